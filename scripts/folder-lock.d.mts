export function takeFolderLock(folder: string, onWait: () => void): Promise<() => void>;
