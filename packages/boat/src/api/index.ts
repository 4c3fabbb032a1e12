/** The local API's contract, shared by all clients. It imports nothing from Node. */
export {
  type Answer,
  type Input,
  type JsonRouteName,
  listRoutes,
  type RouteName,
  ROUTES,
  toBodySizeMax,
} from './contract.ts';
export { BROWSER_KEYS } from './requests.ts';
export { type Route, toRequestPath } from './route.ts';
export { ErrorSchema } from './schemas.ts';
