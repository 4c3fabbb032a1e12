import { checkServerIdentity, type TLSSocket } from 'node:tls';

/** Whether the server's certificate is for the requested host. */
export type PeerName = 'requested' | 'other';

/**
 * Calls `onName` when the handshake is done, before Node verifies the certificate chain. Node compares the name only if the chain
 * is valid, but the name is what distinguishes a captive portal from a central whose certificate authority is unknown to this
 * boat.
 */
export function watchPeerName(socket: TLSSocket, host: string, onName: (name: PeerName) => void): void {
  // Node's own listener for this event destroys the socket if the chain is invalid, so this one must run first.
  socket.prependOnceListener('secure', () => {
    const certificate = socket.getPeerCertificate();
    // According to its type, a certificate always exists, but the value is an empty object if there is none.
    if (Object.keys(certificate).length === 0) return;
    onName(checkServerIdentity(host, certificate) === undefined ? 'requested' : 'other');
  });
}
