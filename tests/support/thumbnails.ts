import type { Browser, Page } from 'playwright-core';

/** Maximum share of changed pixels. A button that moves by half its height changes more than 1 %. */
export const CHANGED_MAX = 0.006;
/** Number of pixels in a thumbnail. A kiosk's main control then covers about 400 of them. */
const THUMBNAIL_PIXELS = 12_000;
/**
 * Minimum brightness difference, out of 255, that counts as a changed pixel. Lossy compression changes a pixel by less.
 */
const CHANGED_FROM = 40;

/** Creates and compares thumbnails. They are drawn in the browser, so no image library is needed. */
export interface Thumbnails {
  /** Returns a greyscale WebP picture of the page as shown, about 2 KB in size. */
  take(page: Page): Promise<Buffer>;
  /** Returns the number of pixels on the page as shown that are not pure red. */
  countNotRed(page: Page): Promise<number>;
  /** Returns the share of pixels that differ between two thumbnails, 0 to 1. Pictures of different sizes differ in all pixels. */
  compare(one: Buffer, other: Buffer): Promise<number>;
  close(): Promise<void>;
}

/** Opens an empty page for drawing thumbnails. */
export async function createThumbnails(browser: Browser): Promise<Thumbnails> {
  const canvas = await browser.newPage();
  return {
    async take(page) {
      const png = await page.screenshot({ animations: 'disabled', caret: 'hide' });
      const url = await canvas.evaluate<string>(
        `(${draw.toString()})(${JSON.stringify(toUrl('image/png', png))}, ${THUMBNAIL_PIXELS})`,
      );
      return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
    },
    async countNotRed(page) {
      const png = await page.screenshot({ animations: 'disabled', caret: 'hide' });
      return canvas.evaluate<number>(
        `(${countNotRed.toString()})(${JSON.stringify(toUrl('image/png', png))})`,
      );
    },
    compare: (one, other) =>
      canvas.evaluate<number>(
        `(${compare.toString()})(${JSON.stringify(toUrl('image/webp', one))}, ${JSON.stringify(toUrl('image/webp', other))}, ${CHANGED_FROM})`,
      ),
    close: () => canvas.close(),
  };
}

function toUrl(mediaType: string, bytes: Buffer): string {
  return `data:${mediaType};base64,${bytes.toString('base64')}`;
}

/** Draws a greyscale picture of about `pixels` pixels. Runs in the browser. */
async function draw(url: string, pixels: number): Promise<string> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(Math.sqrt((pixels * image.width) / image.height));
  canvas.height = Math.round(pixels / canvas.width);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('the browser has no canvas');
  context.filter = 'grayscale(1)';
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/webp', 0.4);
}

/** Counts the pixels with green or blue in them. Runs in the browser. */
async function countNotRed(url: string): Promise<number> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('the browser has no canvas');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  let count = 0;
  for (let index = 0; index < data.length; index += 4)
    if ((data[index + 1] ?? 0) > 0 || (data[index + 2] ?? 0) > 0) count += 1;
  return count;
}

/** Compares the brightness of two pictures. Runs in the browser. */
async function compare(one: string, other: string, changedFrom: number): Promise<number> {
  const [first, second] = await Promise.all(
    [one, other].map(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height);
      const context = canvas.getContext('2d');
      if (context === null) throw new Error('the browser has no canvas');
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, image.width, image.height);
    }),
  );
  if (first === undefined || second === undefined || first.width !== second.width) return 1;
  if (first.height !== second.height) return 1;
  let changed = 0;
  for (let index = 0; index < first.data.length; index += 4)
    if (Math.abs((first.data[index] ?? 0) - (second.data[index] ?? 0)) >= changedFrom) changed += 1;
  return changed / (first.width * first.height);
}

/** The browser types that the functions above use, because the tests are compiled only with Node's types. */
interface Drawing {
  filter: string;
  imageSmoothingQuality: string;
  drawImage(image: Picture, left: number, top: number, width?: number, height?: number): void;
  getImageData(left: number, top: number, width: number, height: number): PixelData;
}
interface PixelData {
  readonly width: number;
  readonly height: number;
  readonly data: Readonly<Record<number, number>> & { readonly length: number };
}
interface Picture {
  src: string;
  readonly width: number;
  readonly height: number;
  decode(): Promise<void>;
}
interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d'): Drawing | null;
  toDataURL(mediaType: string, quality: number): string;
}
declare const Image: new () => Picture;
declare const document: { createElement(name: 'canvas'): Canvas };
declare const OffscreenCanvas: new (width: number, height: number) => Pick<Canvas, 'getContext'>;
