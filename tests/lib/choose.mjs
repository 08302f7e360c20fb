// Which stages run, and which files in each: by words of the command line, or by what has changed.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const attempt = (...args) => { try { return git(...args).trim(); } catch { return ''; } };

// The features in their order, each with those that it needs. The benchmark's is none that tests know.
export const features = [...fs.readFileSync(path.join(root, 'src/features.def'), 'utf8').matchAll(/^X\((\w+), "(.*)"\)$/gm)]
    .map(([, name, needs]) => ({ name, needs: needs.split(' ').filter(Boolean) })).filter(f => f.name !== 'bench');
const isFeature = name => features.some(f => f.name === name);
const withThoseThatNeed = names => { const all = new Set(names); for (const f of features) if (f.needs.some(n => all.has(n))) all.add(f.name); return all; };

// A test file's feature, or "platform"; and what it is called on the command line: "api/http", "features/tarot/rules".
export const featureOf = file => /^features\/(\w+)\//.exec(file)?.[1] ?? 'platform';
export const nameOf = file => file.replace(/^tests\//, '').replace(/(\.test)?\.(mjs|c)$/, '');

function match(pattern) { // "api/*.test.mjs": a star in any part
    const parts = pattern.split('/').map(p => new RegExp(`^${p.replace(/[.]/g, '\\.').replace(/\*/g, '.*')}$`));
    const list = (folder, [part, ...rest]) => {
        const there = fs.existsSync(path.join(root, 'tests', folder)) ? fs.readdirSync(path.join(root, 'tests', folder)).filter(n => part.test(n)).sort() : [];
        return rest.length ? there.flatMap(n => list(path.join(folder, n), rest)) : there.map(n => path.join(folder, n));
    };
    return list('', parts);
}
export const filesOf = stage => [...new Set((stage.files ?? []).flatMap(match))].filter(f => featureOf(f) === 'platform' || isFeature(featureOf(f)));

// What is new: since the branch left the main one; on the main one, where a fresh clone stands, since the commit before. "": nobody knows.
function since() {
    if (process.env.MADANG_TEST_SINCE) return process.env.MADANG_TEST_SINCE;
    const head = attempt('rev-parse', 'HEAD');
    for (const main of ['main@{upstream}', 'origin/main', 'main']) {
        const base = attempt('merge-base', 'HEAD', main);
        if (base && base !== head) return base;
    }
    return attempt('rev-parse', '--verify', '--quiet', 'HEAD~1');
}

// What a changed path concerns: features and test files; nothing (documents: the cheap stages read them anyway); else the platform, so everything.
const CONCERNS = [
    [/^(?:src\/features|migrations|tests\/features|config)\/(\w+)\/./, ([, name]) => isFeature(name) ? { features: [name] } : null],
    [/^(?:include\/madang|web|web\/views)\/(\w+)\.(?:h|js|css)$/, ([, name]) => isFeature(name) ? { features: [name] } : null],
    [/^web\/cards\//, () => isFeature('tarot') ? { features: ['tarot'] } : null],
    [/^tests\/((?:api|browser|chaos|conformance)\/.*\.test\.mjs|unit\/test_\w+\.c)$/, ([, file]) => ({ files: [file] })],
    [/^(?:config\/(?:grafana|prometheus)|tools)\//, () => ({ files: ['api/watching.test.mjs'] })],
    [/^config\/nginx\//, () => ({ files: ['conformance/nginx.test.mjs', 'browser/nginx.test.mjs'] })],
    [/^(?:docs|docker|tests\/bench|tests\/arch|\.ci)\/|\.md$|^LICENSE$|^config\/(?:madang\.ini|deb|systemd|coturn)/, () => ({})],
];
function concern(file) {
    for (const [pattern, what] of CONCERNS) {
        const found = pattern.exec(file), concerned = found && what(found);
        if (concerned) return concerned;
    }
    return { platform: true };
}

// { all, features, files }: what was touched since then; all of it when nobody knows since when.
export function touched(base = since()) {
    const it = { all: !base, base, features: new Set(), files: new Set() };
    if (!base) return Object.assign(it, { features: new Set(features.map(f => f.name)) });
    const paths = [...git('diff', '--name-only', '--no-renames', '-z', base).split('\0'), ...git('ls-files', '--others', '--exclude-standard', '-z').split('\0')].filter(Boolean);
    for (const c of paths.map(concern)) {
        if (c.platform) it.all = true;
        for (const name of c.features ?? []) it.features.add(name);
        for (const file of c.files ?? []) if (fs.existsSync(path.join(root, 'tests', file))) it.files.add(file);
    }
    return it;
}

// What is to be run, in the order of the table: [{ stage, files, whole, features }]. Throws a sentence.
export function choose(stages, words, { deep = false, changed = false } = {}) {
    const named = new Set(), of = new Set(), these = new Set(), every = [...new Set(stages.flatMap(filesOf))]; // stages, features, files
    for (const word of words) {
        const files = every.filter(f => [nameOf(f), path.basename(nameOf(f))].includes(nameOf(word)));
        if (stages.some(s => s.name === word)) named.add(word);
        else if (word === 'platform' || isFeature(word)) of.add(word);
        else if (files.length) for (const f of files) these.add(f);
        else throw new Error(`"${word}" is no stage (${stages.map(s => s.name).join(' ')}), no feature (${features.map(f => f.name).join(' ')} platform) and no test file`);
    }
    const news = touched(), byChange = changed && !news.all;
    if (byChange) {
        for (const name of withThoseThatNeed(news.features)) of.add(name);
        for (const file of news.files) these.add(file);
    }
    const part = of.size > 0 || these.size > 0 || byChange;
    for (const s of stages) if (s.after && named.has(s.name)) for (const name of s.after) named.add(name);

    const wanted = ({ name, when }) => named.size ? named.has(name) : when === 'deep' ? deep : !part || !when || byChange;
    const chosen = stages.filter(wanted).map(stage => {
        const all = filesOf(stage), fresh = f => featureOf(f) === 'platform' || news.features.has(featureOf(f));
        const files = part ? all.filter(f => of.has(featureOf(f)) || these.has(f)) : stage.newest && !deep ? all.filter(fresh) : all;
        return { stage, files, whole: files.length === all.length, features: part ? [...of].filter(isFeature) : null };
    });
    const runs = chosen.filter(c => c.stage.when === 'cheap' || c.stage.after || (c.stage.files ? c.files.length : c.stage.byFeature ? c.features?.length !== 0 : !part || named.has(c.stage.name)));
    const out = runs.filter(c => !c.stage.after || runs.some(o => c.stage.after.includes(o.stage.name)));
    if (!out.length) throw new Error(`there is nothing of ${words.join(' ')}`);
    return out;
}
