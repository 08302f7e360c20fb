// A list walked page by page, as a client does; and what every list that pages must keep.
import assert from 'node:assert/strict';

const put = (path, query) => `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(query)}`;

// Its items, and the `next` of each page. between(page) runs after each but the last.
export async function walk(node, token, path, name, { by = 'before', limit = 2, between } = {}) {
    const all = [], nexts = [];
    for (let next; ;) {
        const page = await node.ok('GET', put(path, { limit, ...(next === undefined ? {} : { [by]: next }) }), token);
        assert.ok(page[name].length <= limit);
        all.push(...page[name]);
        if (page.next === undefined || page.next === null) return { all, nexts };
        assert.equal(page[name].length, limit, 'a page with a next is a full one');
        nexts.push(next = page.next);
        await between?.(page, nexts.length);
    }
}

// No place of this list: a field's problem, whatever it is.
export async function refuses(node, token, path, others, by = 'before') {
    for (const bad of others) {
        const r = await node.get(put(path, { [by]: bad }), token);
        assert.deepEqual([r.status, r.body.errors?.[0].pointer], [422, `/${by}`], `${path} ${by}=${bad}`);
    }
}
export const made = text => `c.${Buffer.from(text).toString('base64url')}`;
export const NONSENSE = ['x'.repeat(40), 'c.', 'c.%%%', 'c.AAAA', made('x'), made('dm.rooms t 1'), made('friends.list x 1 \0'), 'a b c '.repeat(9)];
