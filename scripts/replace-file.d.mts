export function replaceFile(file: string, content: string | Uint8Array): void;
