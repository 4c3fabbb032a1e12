export type { AnswerOf, BodyOf, ParameterOf, RouteId, ROUTES } from './contract.ts';
export type { BoatFilter, BoatSort, FleetBoat } from './fleet-schemas.ts';
