// The part of the NBD protocol that QEMU's client uses: the fixed newstyle handshake, and reads, writes and flushes without
// structured replies (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md).
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { SECTOR_BYTES, type VolatileCard } from './volatile-card.ts';

const FIXED_NEWSTYLE_NO_ZEROES = 3;
/** The NBD export has flags and supports flush. Like virtio-blk, it has no FUA, so QEMU flushes instead. */
const TRANSMISSION_FLAGS = 1 | 4;
/** Sizes in bytes: the smallest request, the size that the card prefers, and the largest request. */
const BLOCK_SIZES = { min: SECTOR_BYTES, preferred: 4096, max: 1 << 20 } as const;

const OPTION = { abort: 2, info: 6, go: 7 } as const;
const OPTION_MAGIC_REPLY = 0x3e889045565a9n;
const REPLY = { ack: 1, info: 3, unsupported: 0x8000_0001 } as const;
const INFO = { export: 0, blockSize: 3 } as const;
const COMMAND = { read: 0, write: 1, disconnect: 2, flush: 3 } as const;
const SIMPLE_REPLY_MAGIC = 0x67446698;
const REQUEST_HEADER_BYTES = 28;
const OPTION_HEADER_BYTES = 16;

/** A card that QEMU can connect to through a Unix socket. */
export interface NbdServer {
  /** From now on, no request is answered, as if the card had lost power. */
  stopAnswering(): void;
  /** Ends the connection and closes the socket. The card stays open. */
  close(): Promise<void>;
}

/** The time that the card takes for each request, in milliseconds. It handles one request at a time. */
export interface CardSpeed {
  readonly readMs: number;
  readonly writeMs: number;
  readonly flushMs: number;
}

/** A card that answers at once. */
const INSTANT: CardSpeed = { readMs: 0, writeMs: 0, flushMs: 0 };

/**
 * Serves the card on a Unix socket. `afterWrite` is called when a write is in the card's cache but has not been answered yet.
 */
export async function serveCard(
  card: VolatileCard,
  socketPath: string,
  afterWrite: () => void,
  speed: CardSpeed = INSTANT,
): Promise<NbdServer> {
  const sockets = new Set<Socket>();
  let isAnswering = true;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // QEMU may be killed while it waits for answers.
    socket.on('error', () => undefined);
    const answer = createAnswers(socket, () => isAnswering);
    const connection = { socket, card, afterWrite, speed, answer, isAnswering: () => isAnswering };
    greet(socket);
    serveConnection(connection);
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    stopAnswering() {
      isAnswering = false;
    },
    async close() {
      isAnswering = false;
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

interface Connection {
  readonly socket: Socket;
  readonly card: VolatileCard;
  readonly afterWrite: () => void;
  readonly speed: CardSpeed;
  /** Sends the reply once the card has been busy with the request for `workMs`. */
  answer(workMs: number, reply: Buffer): void;
  readonly isAnswering: () => boolean;
}

function createAnswers(socket: Socket, isAnswering: () => boolean): Connection['answer'] {
  let busyUntilMs = 0;
  return (workMs, reply) => {
    if (workMs === 0) {
      socket.write(reply);
      return;
    }
    const nowMs = performance.now();
    busyUntilMs = Math.max(nowMs, busyUntilMs) + workMs;
    setTimeout(() => {
      if (isAnswering()) socket.write(reply);
    }, busyUntilMs - nowMs);
  };
}

function greet(socket: Socket): void {
  const hello = Buffer.alloc(18);
  hello.write('NBDMAGICIHAVEOPT', 'latin1');
  hello.writeUInt16BE(FIXED_NEWSTYLE_NO_ZEROES, 16);
  socket.write(hello);
}

/**
 * Handles one client's messages in order. A handler returns the number of bytes it used, or 0 if the message is
 * incomplete.
 */
function serveConnection(connection: Connection): void {
  let phase: 'flags' | 'options' | 'requests' = 'flags';
  let received: Buffer = Buffer.alloc(0);
  connection.socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    for (let used = -1; used !== 0 && connection.isAnswering(); received = received.subarray(used)) {
      if (phase === 'flags') {
        used = received.length < 4 ? 0 : 4;
        if (used > 0) phase = 'options';
      } else if (phase === 'options') {
        used = answerOption(connection, received, () => {
          phase = 'requests';
        });
      } else used = answerRequest(connection, received);
    }
  });
}

function answerOption({ socket, card }: Connection, received: Buffer, onGo: () => void): number {
  if (received.length < OPTION_HEADER_BYTES) return 0;
  const option = received.readUInt32BE(8);
  const used = OPTION_HEADER_BYTES + received.readUInt32BE(12);
  if (received.length < used) return 0;
  const reply = (type: number, data: Buffer): void => {
    const header = Buffer.alloc(20);
    header.writeBigUInt64BE(OPTION_MAGIC_REPLY, 0);
    header.writeUInt32BE(option, 8);
    header.writeUInt32BE(type, 12);
    header.writeUInt32BE(data.length, 16);
    socket.write(Buffer.concat([header, data]));
  };
  if (option === OPTION.go || option === OPTION.info) {
    reply(REPLY.info, toExportInfo(card.sizeBytes));
    reply(REPLY.info, toBlockSizeInfo());
    reply(REPLY.ack, Buffer.alloc(0));
    if (option === OPTION.go) onGo();
  } else if (option === OPTION.abort) {
    reply(REPLY.ack, Buffer.alloc(0));
    socket.end();
  } else reply(REPLY.unsupported, Buffer.alloc(0));
  return used;
}

function toExportInfo(sizeBytes: number): Buffer {
  const info = Buffer.alloc(12);
  info.writeUInt16BE(INFO.export, 0);
  info.writeBigUInt64BE(BigInt(sizeBytes), 2);
  info.writeUInt16BE(TRANSMISSION_FLAGS, 10);
  return info;
}

function toBlockSizeInfo(): Buffer {
  const info = Buffer.alloc(14);
  info.writeUInt16BE(INFO.blockSize, 0);
  info.writeUInt32BE(BLOCK_SIZES.min, 2);
  info.writeUInt32BE(BLOCK_SIZES.preferred, 6);
  info.writeUInt32BE(BLOCK_SIZES.max, 10);
  return info;
}

function answerRequest(connection: Connection, received: Buffer): number {
  const { socket, card, speed } = connection;
  if (received.length < REQUEST_HEADER_BYTES) return 0;
  const command = received.readUInt16BE(6);
  const offset = Number(received.readBigUInt64BE(16));
  const length = received.readUInt32BE(24);
  const used = REQUEST_HEADER_BYTES + (command === COMMAND.write ? length : 0);
  if (received.length < used) return 0;
  if (command === COMMAND.disconnect) {
    socket.end();
    return used;
  }
  if (command === COMMAND.write) {
    // The bytes are copied, because otherwise the other received bytes would stay in memory too.
    card.write(offset, Buffer.from(received.subarray(REQUEST_HEADER_BYTES, used)));
    connection.afterWrite();
    if (!connection.isAnswering()) return used;
  } else if (command === COMMAND.flush) card.flush();
  const reply = Buffer.alloc(16);
  reply.writeUInt32BE(SIMPLE_REPLY_MAGIC, 0);
  received.copy(reply, 8, 8, 16);
  if (command === COMMAND.read)
    connection.answer(speed.readMs, Buffer.concat([reply, card.read(offset, length)]));
  else connection.answer(command === COMMAND.flush ? speed.flushMs : speed.writeMs, reply);
  return used;
}
