// The command line, settings and connections: mistakes with file and line, sources in their order, TCP with passwords and TLS.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Cluster, promote, root, signUp, until } from '../lib/daemon.mjs';
import pg from 'pg';
import { freePort } from '../lib/ports.mjs';
import { start } from '../lib/process.mjs';
import { Stores } from '../lib/stores.mjs';

const binary = process.env.MADANG_BINARY ?? `${root}/build/release/madangd`;
let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); });
after(() => cluster.stop());
const run = (args, env = {}) => spawnSync(binary, args, { env: { ...cluster.environment(node, {}), ...env }, encoding: 'utf8', cwd: root });

test('every mistake of a file is told, with its line', () => {
    const file = `${cluster.folder}/bad.ini`;
    fs.writeFileSync(file, `; a comment\n[http]\nlisten = 127.0.0.1:0\nhead_bytes = many\nhead_ms = 5\nnonsense = 1\n[nowhere]\nkey = 1\n a = b\n[log]\njson = perhaps\nwords without meaning\n${'x'.repeat(3000)} = 1\n`);
    const r = run(['-c', file, 'check']);
    assert.equal(r.status, 1);
    for (const [line, what] of [[4, 'must be a whole number'], [5, 'out of its bounds'], [6, 'unknown setting'], [8, 'unknown setting'], [9, 'begin with a blank'], [11, 'true or false'], [13, 'longer than']]) assert.match(r.stderr, new RegExp(`bad.ini:${line}: .*${what}`), r.stderr);
});

test('environment before credential before file before default; a secret is never printed', () => {
    const file = `${cluster.folder}/good.ini`, credentials = `${cluster.folder}/credentials`;
    fs.mkdirSync(credentials);
    fs.writeFileSync(file, '[http]\nfields_max = 50\nhead_bytes = 2000 ; kept as it stands\n[ws]\nping_ms = 2000\nopen_ms = 3000\n'.replace(' ; kept as it stands', ''));
    fs.writeFileSync(`${credentials}/http.fields_max`, '60\n');
    const c = JSON.parse(run(['-c', file, 'config'], { CREDENTIALS_DIRECTORY: credentials, MADANG_WS_PING_MS: '4000' }).stdout);
    assert.deepEqual([c['http.fields_max'], c['http.head_bytes'], c['ws.ping_ms'], c['ws.open_ms'], c['http.body_bytes'], c['session.key'], c['pg.url']], [60, 2000, 4000, 3000, 65536, '***', '***']);
});

const commands = () => [...run(['help']).stderr.matchAll(/^  (\w+)/gm)].map(m => m[1]);
test('the shell completes every command, and what stands behind it', () => {
    const file = `${cluster.folder}/completion`, script = run(['completion', 'bash']);
    assert.equal(script.status, 0, script.stderr);
    fs.writeFileSync(file, script.stdout);
    const checked = spawnSync('bash', ['-n', file], { encoding: 'utf8' });
    assert.deepEqual([checked.status, checked.stderr], [0, '']);
    fs.mkdirSync(`${cluster.folder}/a folder`);
    fs.writeFileSync(`${cluster.folder}/a file`, '');
    const completed = (...words) => execFileSync('bash', ['-c', 'set -u; . "$0"; complete -p madangd >/dev/null; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _madangd; ((${#COMPREPLY[@]})) && printf "%s\\n" "${COMPREPLY[@]}"; true', file, 'madangd', ...words], { encoding: 'utf8', cwd: cluster.folder }).split('\n').filter(Boolean);
    assert.ok(commands().length > 10);
    assert.deepEqual(completed(''), ['-c', '-h', ...commands()]);
    assert.deepEqual(completed('-c', 'some.ini', ''), ['-c', '-h', ...commands()]);
    assert.deepEqual(completed('mig'), ['migrate']);
    assert.deepEqual(completed('config', ''), ['example', 'reference']);
    assert.deepEqual(completed('-c', 'some.ini', 'config', 'r'), ['reference']);
    assert.deepEqual(completed('completion', ''), ['bash']);
    assert.deepEqual(completed('config', 'example', ''), []);
    assert.deepEqual(completed('doctor', ''), ['--json']);
    assert.deepEqual(completed('nothing', ''), []);
    assert.deepEqual(completed('check', ''), [], 'what a sentence says is no argument');
    assert.deepEqual(completed('pictures', 'a f'), ['a folder']);
    assert.deepEqual(completed('-c', 'a f').sort(), ['a file', 'a folder']);
    assert.deepEqual([run(['completion']).status, run(['completion', 'fish']).status], [2, 2]);
});

test('the manual page has every command, and pleases who formats it', t => {
    const file = `${cluster.folder}/madangd.8`, page = run(['man']);
    assert.equal(page.status, 0, page.stderr);
    fs.writeFileSync(file, page.stdout);
    assert.match(page.stdout, /^\.TH MADANGD 8 /m);
    for (const c of commands()) assert.match(page.stdout, new RegExp(`^\\.TP\\n\\\\fB${c}\\\\fR.*\\n\\S.*\\.$`, 'm'), c);
    for (const [tool, ...args] of [['groff', '-Kutf8', '-man', '-Tutf8', '-ww'], ['mandoc', '-Tlint', '-Werror'], ['man', '--warnings', '-l']]) {
        const r = spawnSync(tool, [...args, file], { encoding: 'utf8', env: { ...process.env, MANPAGER: 'cat', LC_ALL: 'C.UTF-8' } });
        if (r.error) t.diagnostic(`${tool} is not here`);
        else assert.deepEqual([r.status, r.stderr], [0, ''], tool);
        if (tool === 'groff' && !r.error) assert.match(r.stdout.replace(/\x1b\[[\d;]*m|.\x08/g, ''), /promote E-MAIL/);
    }
});

test('the unit for several nodes is the other one with settings that its instance makes', () => {
    const [one, many] = ['', '@'].map(which => fs.readFileSync(`${root}/config/systemd/madangd${which}.service`, 'utf8').split('\n').filter(l => l && !l.startsWith('#')));
    const own = many.filter(l => !one.includes(l)), env = Object.fromEntries(own.filter(l => l.startsWith('Environment=')).map(l => l.slice(12).replaceAll('%i', '8081').split('=')));
    assert.deepEqual(one.filter(l => !many.includes(l)).map(l => l.split('=')[0]), ['Description']);
    assert.deepEqual([...new Set(own.map(l => l.split('=')[0]))], ['Description', 'Environment', 'EnvironmentFile', 'RuntimeDirectory', 'RuntimeDirectoryMode', 'RuntimeDirectoryPreserve']);
    const c = JSON.parse(run(['config'], env).stdout);
    assert.deepEqual([c['http.listen'], c['admin.listen'], c['http.handover'], c['node.name']], ['127.0.0.1:8081', '127.0.0.1:18081', '/run/madang/8081.handover', '8081']);
});

test('check tries migrations and every statement; TLS to Redis is refused with a reason', async () => {
    assert.equal(run(['check']).status, 0);
    await cluster.sql('alter table notices rename column body to text');
    const broken = run(['check']);
    assert.ok(broken.status === 1 && /notice_get.*body/.test(broken.stderr), broken.stderr);
    await cluster.sql('alter table notices rename column text to body');
    const [{ checksum }] = await cluster.sql("select checksum from migrations where name = 'accounts/0001_accounts.sql'");
    await cluster.sql("update migrations set checksum = 'x' where name = 'accounts/0001_accounts.sql'");
    assert.match(run(['migrate']).stderr, /accounts\/0001_accounts.sql was changed after it had been applied/);
    assert.match(run(['doctor']).stdout, /^fail  pg.migrations +1 are not those that were applied/m);
    await cluster.sql("update migrations set checksum = $1 where name = 'accounts/0001_accounts.sql'", [checksum]);
    assert.match(run(['check'], { MADANG_REDIS_URL: 'rediss://127.0.0.1' }).stderr, /no TLS/);
    assert.match(run(['check'], { MADANG_SESSION_KEY: 'short' }).stderr, /at least 32/);
    for (const [settings, why] of [[{ TURN_URLS: 'turn:a' }, /turn_urls needs turn_secret/], [{ TURN_URLS: 'a', TURN_SECRET: 's' }, /begins with turn:/], [{ STUN_URLS: 'stun:a, b' }, /begins with stun:/], [{ RELAY_ONLY: 'true' }, /relay_only needs/]]) {
        const r = run(['check'], Object.fromEntries(Object.entries(settings).map(([k, v]) => [`MADANG_VIDEO_${k}`, v])));
        assert.ok(r.status === 1 && why.test(r.stderr), r.stderr);
    }
    assert.equal(run(['pictures', '/nonexistent']).status, 1);
    assert.equal(run(['what']).status, 2);
});

test('hosts of the stores: what cannot be understood is refused when the settings are read, and of several Postgres the one that writes is migrated', async () => {
    const hosts = n => Array(n).fill('/nowhere').join(','), url = rest => `postgresql://madang@/${cluster.database}?${rest}`;
    for (const [wrong, why] of [['nonsense://x', /no connection URI/], [url(`host=${hosts(17)}`), /more than sixteen/], [url('host=/a,/b&port=1,2,3'), /one for each/], [url('host=a,b&hostaddr=127.0.0.1'), /hostaddr/]]) {
        const r = run(['check'], { MADANG_PG_URL: wrong });
        assert.ok(r.status === 1 && why.test(r.stderr) && !/trying again/.test(r.stderr), `${wrong}: ${r.stderr}`);
    }
    for (const wrong of ['redis://a,b:6379', 'redis://a:1,b:2', 'redis://a,b']) assert.match(run(['check'], { MADANG_REDIS_URL: wrong }).stderr, /of one host/);
    const own = await new Cluster().start(), standby = await new Stores().start(), admin = new (await import('pg')).default.Client({ host: standby.at, user: 'madang', database: 'postgres' });
    try {
        await admin.connect();
        await admin.query(`create database ${own.database}`);
        assert.equal(run(['migrate'], { MADANG_PG_URL: `postgresql://madang@/${own.database}?host=${standby.at}` }).status, 0, 'as a replica would have it');
        await admin.query('alter system set default_transaction_read_only = on');
        await admin.query('select pg_reload_conf()');
        await admin.end();
        const env = { MADANG_PG_URL: `postgresql://madang@/${own.database}?host=${standby.at},${own.at}` }, migrated = run(['migrate'], env);
        assert.equal(migrated.status, 0, migrated.stderr);
        const n = await own.node({ MADANG_PG_MIGRATE_AT_START: 'false' }), p = await signUp(n);
        assert.equal(run(['promote', p.email], env).status, 0);
        const behind = await own.node(env);
        await until('served', async () => (await behind.post('/api/v1/auth/guest')).status === 201);
    } finally { await own.stop(); await standby.stop(); }
});

test('the first admin is made on the command line', async () => {
    const p = await signUp(node);
    assert.equal(run(['account', 'promote', p.email]).status, 0);
    assert.equal(run(['account', 'promote', 'nobody@example.com']).status, 1);
    assert.equal((await node.ok('POST', '/api/v1/auth/login', undefined, { email: p.email, password: p.password })).role, 'admin');
    await promote(cluster, p, 'admin');
});

test('Postgres over TCP with TLS and a password by name, Redis over TCP with a password', async () => {
    const stores = await new Stores().start(), own = await new Cluster(stores).start(), redisPort = await freePort(), pgPort = await freePort();
    const redis = start('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--requirepass', 'red:is@pass', '--save', ''], { stdio: 'ignore' });
    try {
        execFileSync('openssl', ['req', '-new', '-x509', '-days', '2', '-nodes', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', `${stores.at}/pg/server.key`, '-out', `${stores.at}/pg/server.crt`], { stdio: 'ignore' });
        fs.chmodSync(`${stores.at}/pg/server.key`, 0o600);
        if (process.getuid() === 0) execFileSync('chown', ['postgres:', `${stores.at}/pg/server.key`, `${stores.at}/pg/server.crt`]);
        await own.sql("create role app login password 'se cret'");
        await own.sql(`alter database ${own.database} owner to app`);
        await own.sql('grant all on schema public to app');
        fs.writeFileSync(`${stores.at}/pg/pg_hba.conf`, 'local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n');
        fs.appendFileSync(`${stores.at}/pg/postgresql.conf`, `\nssl = on\nlisten_addresses = 'localhost'\nport = ${pgPort}\n`);
        await stores.killPostgres();
        stores.postgres = start(...(process.getuid() === 0 ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', stores.bin, '-D', `${stores.at}/pg`, '-k', stores.at]] : [stores.bin, ['-D', `${stores.at}/pg`, '-k', stores.at]]), { stdio: 'ignore' });
        await until('Postgres over TCP', () => new Promise((r, e) => net.connect(pgPort, 'localhost', function () { this.destroy(); r(true); }).on('error', e)), 20000);
        const n = await own.node({ MADANG_PG_URL: `postgresql://app:se%20cret@localhost:${pgPort}/${own.database}?sslmode=verify-full&sslrootcert=${stores.at}/pg/server.crt`, MADANG_REDIS_URL: `redis://:red%3Ais%40pass@localhost:${redisPort}/3` });
        assert.equal((await n.get('/api/v1/time')).status, 200);
        const p = await signUp(n);
        assert.equal((await n.call('POST', '/api/v1/auth/refresh', { headers: { cookie: p.cookie, origin: n.base } })).status, 200);
        await n.stop();
        n.killed = true;
        own.nodes = [];
    } finally {
        redis.kill('SIGKILL');
        own.stop().catch(() => {});
        await stores.stop();
    }
});

test('account: who there is, another role, kept out and let in again', async () => {
    const p = await signUp(node), socket = await node.socket(p);
    assert.match(run(['account', 'list', p.email]).stdout, new RegExp(`^ +${p.id}  member +${p.name} +${p.email}$`, 'm'));
    assert.equal(run(['account', 'list', 'nobody-of-that-name']).stdout, '');
    assert.equal(run(['account', 'promote', p.email, 'manager']).status, 0);
    assert.match(run(['account', 'list', p.name]).stdout, / manager /);
    assert.equal(run(['account', 'promote', p.email, 'emperor']).status, 2);
    assert.equal(run(['account', 'suspend', p.email, '3', '광고']).status, 0);
    await socket.closed; // by the node, which reads in the database who has ended
    assert.equal((await node.call('POST', '/api/v1/auth/login', { body: { email: p.email, password: p.password } })).body.code, 'account.suspended');
    assert.match(run(['account', 'list', p.email]).stdout, /suspended/);
    assert.equal(run(['account', 'suspend', p.email, 'off']).status, 0);
    assert.equal((await node.call('POST', '/api/v1/auth/login', { body: { email: p.email, password: p.password } })).status, 200);
    for (const wrong of [['account'], ['account', 'suspend', p.email], ['account', 'suspend', p.email, 'for ever'], ['account', 'promote'], ['calls', 'too much'], ['jobs', 'retry']]) assert.equal(run(wrong).status, 2, wrong.join(' '));
    assert.equal(run(['account', 'suspend', 'nobody@example.com', '1']).status, 1);
});

test('account create: by the rules of signing up, the password from standard input', async () => {
    const create = (password, ...args) => spawnSync(binary, ['account', 'create', ...args], { env: cluster.environment(node, {}), encoding: 'utf8', cwd: root, input: password });
    const login = (email, password) => node.call('POST', '/api/v1/auth/login', { body: { email, password } });
    const whole = create('a long password\n', 'Boss@Example.com', '대장님', '1990-01-02', 'seoul', 'admin');
    assert.equal(whole.status, 0, whole.stderr);
    const boss = await login('boss@example.com', 'a long password');
    assert.deepEqual([boss.status, boss.body.role], [200, 'admin']);
    const me = await node.ok('GET', '/api/v1/me', boss.body.access_token);
    assert.deepEqual([me.nickname, me.birth_date, me.region, me.points], ['대장님', '1990-01-02', 'seoul', 1000]);
    const short = create('', 'later@example.com'); // the rest is theirs to tell
    assert.equal(short.status, 0, short.stderr);
    assert.match(short.stderr, /completes the profile/);
    const later = await login('later@example.com', short.stdout.trim());
    assert.deepEqual([later.status, later.body.role], [200, 'newcomer']);
    await node.ok('POST', '/api/v1/me/onboarding', later.body.access_token, { nickname: '나중에', birth_date: '1990-01-02', region: 'busan', consents: { terms: '1', privacy: '1' } });
    for (const [why, password, ...args] of [
        [/email: /, 'a long password', 'nobody'], [/password: is too short/, 'xyz123', 'x@example.com'], [/address.*|already/i, 'a long password', 'boss@example.com'],
        [/nickname: /, 'a long password', 'x@example.com', 'a b', '1990-01-02', 'seoul'], [/nickname/i, 'a long password', 'x@example.com', '대장님', '1990-01-02', 'seoul'],
        [/birth_date: /, 'a long password', 'x@example.com', 'fresh1', 'yesterday', 'seoul'], [/14|young|age/i, 'a long password', 'x@example.com', 'fresh1', `${new Date().getFullYear() - 3}-01-01`, 'seoul'],
        [/region: /, 'a long password', 'x@example.com', 'fresh1', '1990-01-02', 'moon'], [/role: is admin, manager or member/, 'a long password', 'x@example.com', 'fresh1', '1990-01-02', 'seoul', 'guest'],
    ]) {
        const r = create(password, ...args);
        assert.ok(r.status === 1 && why.test(r.stderr), `${args}: ${r.status} ${r.stderr}`);
        assert.ok(!r.stderr.includes(password), r.stderr);
    }
    assert.deepEqual(await cluster.sql("select id from accounts where email = 'x@example.com'"), []);
    assert.deepEqual([create('', 'x@example.com', 'name').status, create('', 'x@example.com', 'name', '1990-01-02').status, create('').status], [2, 2, 2]);
    const away = spawnSync(binary, ['account', 'create', 'y@example.com'], { env: { ...cluster.environment(node, {}), MADANG_PG_URL: 'postgresql://madang@/x?host=/nowhere' }, encoding: 'utf8', cwd: root, input: '' });
    assert.ok(away.status === 1 && /y@example.com: /.test(away.stderr) && away.stdout === '', away.stderr);
});

test('doctor: what is wrong and what to do, in a line each, and never a secret', async () => {
    const doctor = (env = {}) => {
        const r = run(['doctor', '--json'], env), all = JSON.parse(r.stdout);
        for (const f of all) assert.ok(/^(ok|warn|fail)$/.test(f.state) && f.about && f.says && (f.state === 'ok') === (f.todo === undefined) && !/\n/.test(f.says), JSON.stringify(f));
        assert.equal(r.status, all.some(f => f.state === 'fail') ? 1 : 0);
        return about => all.filter(f => f.about === about).map(f => `${f.state} ${f.says} — ${f.todo}`).join('; ');
    };
    const lines = run(['doctor']);
    assert.equal(lines.status, 0, lines.stdout + lines.stderr);
    assert.match(lines.stdout, /^(?:(?:ok|warn|fail) .*\n)+\d+ ok, \d+ to look at, 0 wrong\n$/);
    const well = doctor();
    for (const about of ['session.key', 'http.public_url', 'pg.version', 'pg.writing', 'pg.durability', 'pg.connections', 'pg.clock', 'pg.migrations', 'jobs.dead', 'nodes', 'redis.version', 'redis.memory', 'redis.persistence', 'redis.writing', 'files.folder', 'llm']) assert.match(well(about), /^ok /, about);
    assert.match(well('mail'), /^warn .*nobody gets a code/);
    const settings = doctor({ MADANG_SESSION_KEY: 'short', MADANG_HTTP_PUBLIC_URL: 'http://example.com', MADANG_ADMIN_LISTEN: '0.0.0.0:9', MADANG_LIMITS_SCALE: '5', MADANG_VIDEO_TURN_URLS: 'turn:a', MADANG_HTTP_CONNECTIONS_MAX: '1000000', MADANG_KAKAO_CLIENT_ID: 'x' });
    for (const [about, why] of [['session.key', /^fail the key has 5/], ['http.public_url', /^fail .*https/], ['admin.listen', /^warn/], ['limits.scale', /^warn/], ['video', /^fail/], ['descriptors', /^warn .*LimitNOFILE/], ['kakao', /^warn .*client_secret/]]) assert.match(settings(about), why);
    assert.match(doctor({ MADANG_HTTP_PUBLIC_URL: 'https://example.com' })('http.trusted_proxies'), /^warn/);
    const away = doctor({ MADANG_PG_URL: 'postgresql://madang:s3cret@/x?host=/nowhere', MADANG_REDIS_URL: 'redis://:s3cret@127.0.0.1:1', MADANG_REDIS_RELAY_URLS: 'redis://:s3cret@127.0.0.1:1', MADANG_FILES_FOLDER: '/proc/none', MADANG_MAIL_PROVIDER: 'smtp', MADANG_MAIL_SMTP_URL: 'smtp://mail.invalid:25', MADANG_LLM_PROVIDER: 'clova', MADANG_LLM_URL: 'https://llm.invalid/v1', MADANG_LLM_KEY: 's3cret' });
    for (const about of ['pg', 'redis', 'redis.relay', 'mail', 'llm']) assert.match(away(about), /^fail .* — /, about);
    assert.match(away('files.folder'), /^(warn|fail)/);
    assert.ok(!run(['doctor'], { MADANG_PG_URL: 'postgresql://madang:s3cret@/x?host=/nowhere', MADANG_LLM_KEY: 's3cret', MADANG_S3_SECRET: 's3cret' }).stdout.includes('s3cret'));
    assert.match(doctor({ MADANG_PG_URL: 'nonsense://s3cret' })('pg'), /^fail .*no connection URI/);
    const s3 = { MADANG_FILES_PROVIDER: 's3' };
    assert.match(doctor(s3)('s3'), /^fail .*is empty/);
    assert.match(doctor({ ...s3, MADANG_S3_ENDPOINT: 'http://127.0.0.1:9', MADANG_S3_BUCKET: 'b', MADANG_S3_KEY_ID: 'k', MADANG_S3_SECRET: 's', MADANG_S3_PATH_STYLE: 'true' })('s3'), /^fail .*endpoint/);
    await cluster.sql("insert into jobs (kind, payload, state, attempts, due) values ('kind.one', '{}', 'dead', 10, now()), ('kind.two', '{}', 'waiting', 0, now() - interval '1 h')");
    await cluster.sql("insert into migrations (name, checksum) values ('later/0001_more.sql', 'x')");
    const other = new pg.Client({ host: cluster.at, user: 'madang', database: cluster.database, application_name: 'madangd 9.9.9' });
    await other.connect();
    const ill = doctor();
    assert.match(ill('jobs.dead'), /^warn 1 jobs .*madangd jobs dead/);
    assert.match(ill('jobs.late'), /^warn .*36\d\d s/);
    assert.match(ill('pg.migrations'), /^warn 1 are of a later version/);
    assert.match(ill('nodes'), /^warn .*9\.9\.9/);
    await other.end();
    await cluster.sql("delete from jobs where kind in ('kind.one', 'kind.two')");
    await cluster.sql("delete from migrations where name like 'later/%'");
    await cluster.sql('create role reader login');
    try { assert.match(doctor({ MADANG_PG_URL: `postgresql://reader@/${cluster.database}?host=${cluster.at}` })('pg.writing'), /^fail .*denied/); } finally { await cluster.sql('drop role reader'); }
    assert.match(doctor({ MADANG_PG_POOLER: 'true', MADANG_PG_MIGRATE_AT_START: 'false' })('pg.role'), /^fail .*alter role/);
    const low = start('redis-server', ['--port', '0', '--unixsocket', `${cluster.folder}/low.sock`, '--maxmemory', '1', '--maxmemory-policy', 'allkeys-lru', '--save', ''], { stdio: 'ignore' });
    try {
        await until('another Redis', () => fs.existsSync(`${cluster.folder}/low.sock`));
        const full = doctor({ MADANG_REDIS_URL: `redis+unix://${cluster.folder}/low.sock` });
        assert.match(full('redis.memory'), /^warn .*noeviction/);
        assert.match(full('redis.writing'), /^fail .*OOM/);
    } finally { low.kill('SIGKILL'); }
    assert.equal(run(['doctor', 'me']).status, 2);
});

test('jobs: what was given up is tried again, or thrown away', async () => {
    const add = (kind, state) => cluster.sql("insert into jobs (kind, payload, state, attempts, last_error, due) values ($1, '{}', $2, 10, 'upstream.failed', now()) returning id", [kind, state]).then(r => r[0].id);
    const [a, b, c] = [await add('kind.one', 'dead'), await add('kind.one', 'dead'), await add('kind.two', 'dead')];
    assert.match(run(['jobs']).stdout, /^kind\.one +0 +0 +2 /m);
    assert.match(run(['jobs', 'dead']).stdout, new RegExp(`^ *${a}  kind\\.one .* after 10 attempts: upstream\\.failed$`, 'm'));
    assert.equal(run(['jobs', 'retry', String(a)]).status, 0);
    assert.deepEqual((await cluster.sql('select state, attempts, last_error from jobs where id = $1', [a])), [{ state: 'waiting', attempts: 0, last_error: null }]);
    assert.equal(run(['jobs', 'drop', 'kind.one']).status, 0);
    assert.deepEqual((await cluster.sql('select id from jobs where id = any ($1) order by id', [[a, b, c]])).map(r => r.id), [a, c]);
    assert.equal(run(['jobs', 'retry', 'kind.none']).status, 1);
    await cluster.sql('delete from jobs where id = any ($1)', [[a, c]]);
});
