export * from './bundle.ts';
export * from './categories.ts';
export * from './document.ts';
export * from './enrolment.ts';
export * from './exact-json.ts';
export * from './installation.ts';
export * from './receipt.ts';
export * from './wire.ts';
