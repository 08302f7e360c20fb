// How node:test tells what it does: each failure in full, a line for each file as it ends, and, in the file that MADANG_TEST_RESULTS
// names, a line for each test, at once: what a stage has done is known even when it had to be ended.
import fs from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';

const results = process.env.MADANG_TEST_RESULTS, tests = path.resolve(import.meta.dirname, '..');
const short = file => path.relative(tests, file ?? '').replace(/(\.test)?\.mjs$/, '');
const seconds = ms => `${(ms / 1000).toFixed(1)} s`;

function why(error) {
    if (error?.failureType === 'subtestsFailed') return ''; // they have told
    const cause = error?.cause ?? error;
    return (cause instanceof Error ? cause.stack + (Object.keys(cause).length ? `\n${inspect({ ...cause }, { depth: 6 })}` : '') : inspect(cause, { depth: 6 })).replace(/^/gm, '    ') + '\n';
}

export default async function* (events) {
    const open = [], said = new Map(), total = { pass: 0, fail: 0, skip: 0 }; // open: the names of the tests around this one, by depth
    for await (const { type, data } of events) {
        const whole = data?.name === data?.file; // the file itself: it tells only of what happened outside its tests
        if (type === 'test:stdout' || type === 'test:stderr') said.set(data.file, ((said.get(data.file) ?? '') + data.message).slice(-20000));
        if (type === 'test:start') open[data.nesting] = data.name;
        if (type === 'test:complete' && whole) yield `   ${short(data.file)}  ${seconds(data.details.duration_ms)}\n`;
        if ((type !== 'test:pass' && type !== 'test:fail') || data.details.type === 'suite' || (whole && type === 'test:pass')) continue;
        const outcome = data.skip !== undefined || data.todo !== undefined ? 'skip' : type.slice(5), name = whole ? 'the file' : [...open.slice(0, data.nesting), data.name].join(' > ');
        total[outcome]++;
        if (results) fs.appendFileSync(results, `${JSON.stringify({ file: short(data.file), name, outcome, ms: data.details.duration_ms, depth: data.nesting })}\n`);
        if (outcome === 'fail') yield `\n✗ ${short(data.file)}: ${name} (${seconds(data.details.duration_ms)})\n${why(data.details.error)}${whole && said.has(data.file) ? said.get(data.file).replace(/^/gm, '    | ') + '\n' : ''}`;
    }
    if (!results) yield `${total.pass} passed, ${total.fail} failed${total.skip ? `, ${total.skip} skipped` : ''}\n`;
}
