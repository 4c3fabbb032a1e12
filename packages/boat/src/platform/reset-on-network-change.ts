import type { Transport } from './ports.ts';
import type { HttpTransport } from './transport.ts';

/**
 * Creates a transport that does not reuse sockets after a network change (docs/spec/delivery.md, "Delivering"). A socket from the
 * previous network falls silent instead of failing, so every request on it would wait for the silence timeout. The transport
 * checks the network before each request.
 */
export function resetOnNetworkChange(
  http: Pick<HttpTransport, 'transport' | 'reset'>,
  readNetwork: () => string,
): Transport {
  let network = readNetwork();
  return (request, signal) => {
    const current = readNetwork();
    if (current !== network) http.reset();
    network = current;
    return http.transport(request, signal);
  };
}
