// The same story through nginx, the two people on two nodes.
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, Person } from '../lib/browser.mjs';
import { Cluster, freePort, root, uniqueName, until } from '../lib/daemon.mjs';
import { all, start } from '../lib/process.mjs';
import { story } from '../lib/story.mjs';

let cluster, one, two, nginx, browser, port;
before(async () => {
    cluster = await new Cluster().start();
    port = await freePort();
    const extra = { MADANG_HTTP_PUBLIC_URL: `http://localhost:${port}`, MADANG_HTTP_TRUSTED_PROXIES: '127.0.0.1', MADANG_SOCIAL_OFFLINE_MS: '500' };
    one = await cluster.node(extra);
    two = await cluster.node(extra);
    // Our own site file, with two nodes, and a cookie that says which of them a person is on.
    const site = fs.readFileSync(`${root}/config/nginx/madang.conf`, 'utf8')
        .replace(/upstream madang \{[^}]*\}/, `map $cookie_node $node { default 127.0.0.1:${one.port}; two 127.0.0.1:${two.port}; }`)
        .replace(/listen 80;\s+listen \[::\]:80;/, `listen 127.0.0.1:${port}; listen [::1]:${port};`).replaceAll('http://madang', 'http://$node');
    const at = `${cluster.folder}/nginx`;
    fs.mkdirSync(at);
    fs.writeFileSync(`${at}/nginx.conf`, `daemon off; pid ${at}/pid; error_log ${at}/error.log; events {} http { access_log ${at}/access.log; client_body_temp_path ${at}/b; proxy_temp_path ${at}/p; fastcgi_temp_path ${at}/f; uwsgi_temp_path ${at}/u; scgi_temp_path ${at}/s; ${site} }`);
    nginx = start('nginx', ['-c', `${at}/nginx.conf`, '-e', `${at}/error.log`], { stdio: 'ignore' });
    await until('nginx', async () => (await fetch(`http://localhost:${port}/api/v1/info`)).ok);
    browser = await launch();
});
after(() => all(() => browser?.close(), () => nginx?.kill('SIGTERM'), () => cluster.stop()));

test('two people on two nodes behind nginx', async () => {
    const base = `http://localhost:${port}`, a = await Person.open(browser, cluster, base, { name: uniqueName('Ara') }), b = await Person.open(browser, cluster, base, { name: uniqueName('Bora') });
    await b.context.addCookies([{ name: 'node', value: 'two', url: base }]);
    await story(a, b, false);
    const metric = async n => Number(/madang_sockets_total (\d+)/.exec(await n.admin('/metrics'))[1]);
    if (!(await metric(one)) || !(await metric(two))) throw new Error('both nodes should have had a socket');
    await a.close();
    await b.close();
});
