// A TCP proxy for tests: it forwards bytes, and holds or cuts a connection on request.
// It also records the request heads byte for byte.
//
//   const proxy = await startProxy();
//   const server = await startServer({ args: ['--public-storage-url', proxy.url] });
//   proxy.to(server.storage);
import { once } from 'node:events';
import net from 'node:net';

/**
 * Gives { url, to(), heads, rule, release(), stop() }.
 * heads   the head of every request so far: 'PUT /… HTTP/1.1\r\n…'
 * rule    what happens to requests from now on; (head) => { holdAt } or { cutAt } in bytes from the head on,
 *         { cutAnswer: true } once the server responds, or nothing
 */
export async function startProxy() {
	const proxy = { heads: [], rule: () => undefined };
	const sockets = new Set(), held = new Set();
	let target;
	const server = net.createServer(client => {
		const onward = net.connect(target);
		for (const socket of [client, onward]) {
			sockets.add(socket);
			socket.on('error', () => {});
			socket.on('close', () => { sockets.delete(socket); client.destroy(); onward.destroy(); });
		}
		let passed = 0, rule;
		onward.on('data', piece => rule?.cutAnswer ? client.resetAndDestroy() : client.write(piece) || (onward.pause(), client.once('drain', () => onward.resume())));
		onward.on('end', () => client.end());
		const read = piece => {
			if (/^(GET|HEAD|PUT|POST|OPTIONS|DELETE) \S+ HTTP\/1\.1\r\n/.test(piece.toString('latin1', 0, 4096))) {
				const head = piece.toString('latin1').split('\r\n\r\n')[0];
				proxy.heads.push(head);
				[passed, rule] = [0, proxy.rule(head)];
			}
			passed += piece.length;
			if (rule?.cutAt !== undefined && passed >= rule.cutAt) {
				client.resetAndDestroy();
				return onward.destroy();
			}
			if (rule?.holdAt !== undefined && passed >= rule.holdAt) {
				rule = undefined;
				client.pause();
				return held.add(() => { client.resume(); onward.write(piece); });
			}
			return onward.write(piece) || (client.pause(), onward.once('drain', () => client.resume()));
		};
		client.on('data', read);
		client.on('end', () => onward.end());
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	proxy.url = `http://127.0.0.1:${server.address().port}`;
	proxy.to = url => { target = { host: new URL(url).hostname, port: Number(new URL(url).port) }; };
	/** Let all go on that is held, and hold nothing more. */
	proxy.release = () => { proxy.rule = () => undefined; held.forEach(go => go()); held.clear(); };
	proxy.holding = () => held.size;
	/** Cut all connections now. */
	proxy.cut = () => sockets.forEach(socket => socket.resetAndDestroy());
	proxy.stop = () => { sockets.forEach(socket => socket.destroy()); return new Promise(resolve => server.close(resolve)); };
	return proxy;
}
