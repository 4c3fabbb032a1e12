import type { Transport } from './ports.ts';
import type { HttpTransport } from './transport.ts';

/**
 * A transport that does not reuse sockets across a change of network (docs/spec/delivery.md, "Delivering"). A socket of the
 * earlier network does not fail; it falls silent, and each request on it would wait for the silence limit. The network
 * is checked before each request.
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
