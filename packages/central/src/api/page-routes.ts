import { Type } from 'typebox';
import { JSON_TYPE, type Route } from './route.ts';

/** Shapes as TopoJSON. It describes only the members that the page uses. */
const TopologySchema = Type.Object({ type: Type.Literal('Topology') });

/** The page's texts by key. A page text with a number has one form per plural category. */
const TextsSchema = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Record(Type.String(), Type.String())]),
);

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

/** Routes for the Fleet page's files. They contain no fleet data. The page requests the data with the operator's credentials. */
export const PAGE_ROUTES = {
  fleetPage: toFileRoute('/', 'text/html; charset=utf-8', 'Returns the Fleet page.'),
  fleetScript: toFileRoute('/page/fleet.js', 'text/javascript; charset=utf-8', "Returns the page's script."),
  fleetStyle: toFileRoute('/page/fleet.css', 'text/css; charset=utf-8', "Returns the page's style sheet."),
  fleetTexts: {
    ...toFileRoute('/page/texts/{language}', JSON_TYPE, "Returns the page's texts in one language."),
    description:
      'The language is a two-letter code such as `fr`. The English texts are built into the script, so there is no `/page/texts/en`.',
    parameters: [
      {
        in: 'path',
        name: 'language',
        required: true,
        description: 'The language',
        schema: Type.String({ pattern: '^[a-z]{2}$' }),
      },
    ],
    answer: { description: 'The texts by key', contentType: JSON_TYPE, schema: TextsSchema },
    refusals: ['INVALID_FORMAT', 'NOT_FOUND', 'INTERNAL'],
  },
  fleetLand: toFileRoute('/page/land.json', JSON_TYPE, "Returns the map's land shapes as TopoJSON."),
  fleetCoast: toFileRoute(
    '/page/coast.json',
    JSON_TYPE,
    'Returns more detailed land shapes for small areas.',
  ),
} as const satisfies Readonly<Record<string, Route>>;
