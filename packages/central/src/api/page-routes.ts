import { Type } from 'typebox';
import { JSON_TYPE, type Route } from './route.ts';

/** Shapes as TopoJSON. Only the members that the page uses are described. */
const TopologySchema = Type.Object({ type: Type.Literal('Topology') });

function toFileRoute<const Path extends string, const ContentType extends string>(
  path: Path,
  contentType: ContentType,
  summary: string,
) {
  return {
    method: 'GET',
    path,
    access: 'anyone',
    load: 'none',
    summary,
    description: '',
    parameters: [],
    body: undefined,
    answer: {
      description: 'The file',
      contentType,
      schema: contentType === JSON_TYPE ? TopologySchema : Type.String(),
    },
    refusals: ['INTERNAL'],
  } as const satisfies Route;
}

/** The files of the Fleet page. They contain no fleet data. The page requests the data with the operator's credentials. */
export const PAGE_ROUTES = {
  fleetPage: toFileRoute('/', 'text/html; charset=utf-8', 'Show the fleet as a web page.'),
  fleetScript: toFileRoute(
    '/page/fleet.js',
    'text/javascript; charset=utf-8',
    'Return the script of the page.',
  ),
  fleetStyle: toFileRoute(
    '/page/fleet.css',
    'text/css; charset=utf-8',
    'Return the style sheet of the page.',
  ),
  fleetLand: toFileRoute('/page/land.json', JSON_TYPE, 'Return the land shapes of the map as TopoJSON.'),
  fleetCoast: toFileRoute(
    '/page/coast.json',
    JSON_TYPE,
    'Return finer land shapes for a map of a small area.',
  ),
} as const satisfies Readonly<Record<string, Route>>;
