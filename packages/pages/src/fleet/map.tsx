import { geoGraticule, geoPath } from 'd3-geo';
import type { JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { Icon, type Tone } from '../ui/icons.tsx';
import type { BoatState, PositionGroup } from './api.ts';
import { type Land, toLand } from './land.ts';
import {
  COAST_FROM_SCALE,
  MAP_HEIGHT,
  MAP_WIDTH,
  type MapView,
  pan,
  toProjection,
  zoom,
  ZOOM_STEP,
} from './map-view.ts';
import { joinGroups, type PlacedGroup } from './map-groups.ts';
import { type LabelSide, placeLabels } from './map-labels.ts';
import { toBoatAddress } from './place.ts';
import type { View } from './view.ts';
import { needsNothing, STATE_LOOKS, toName } from './words.ts';

/** Maximum number of markers with a name. More names would overlap. */
const NAMES_SHOWN_MAX = 8;
const GRATICULE_STEP: [number, number] = [10, 10];

/** The last known positions of the fleet on a movable map. */
export function FleetMap({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { positions, map } = state;
  return (
    <section class="panel">
      <h2>
        {say('map.title')}
        {positions !== undefined && <span class="note">{say('map.count', { n: positions.positioned })}</span>}
      </h2>
      <div class="map__frame">
        <MapPicture
          map={map}
          view={view}
          groups={positions?.groups ?? []}
          onMove={acts.moveMap}
          label={say('map.label')}
        />
        <div class="map__acts">
          <button
            type="button"
            class="act"
            aria-label={say('map.in')}
            onClick={() => acts.moveMap(zoom(map, ZOOM_STEP))}
          >
            +
          </button>
          <button
            type="button"
            class="act"
            aria-label={say('map.out')}
            onClick={() => acts.moveMap(zoom(map, 1 / ZOOM_STEP))}
          >
            −
          </button>
          <button type="button" class="act" aria-label={say('map.all')} onClick={acts.fitMap}>
            <Icon name="now" />
          </button>
        </div>
      </div>
      {positions?.positioned === 0 && <p class="note">{say('map.none')}</p>}
    </section>
  );
}

const KEYS: Readonly<Record<string, (map: MapView) => MapView>> = {
  ArrowLeft: (map) => pan(map, -1, 0),
  ArrowRight: (map) => pan(map, 1, 0),
  ArrowUp: (map) => pan(map, 0, 1),
  ArrowDown: (map) => pan(map, 0, -1),
  '+': (map) => zoom(map, ZOOM_STEP),
  '-': (map) => zoom(map, 1 / ZOOM_STEP),
};

/** The land with its markers. Without `onMove`, the map cannot be moved. */
export function MapPicture(props: {
  readonly map: MapView;
  readonly view: View;
  readonly groups: readonly PositionGroup[];
  readonly label: string;
  readonly onMove?: (map: MapView) => void;
}): JSX.Element {
  const { map, view, groups, onMove } = props;
  const drag = useRef<{ readonly x: number; readonly y: number; readonly map: MapView }>(undefined);
  const move = (event: PointerEvent): void => {
    if (drag.current === undefined || onMove === undefined) return;
    const { width, height } = (event.currentTarget as Element).getBoundingClientRect();
    // A pan of 1 is a quarter of the map.
    const right = (-4 * (event.clientX - drag.current.x)) / width;
    const up = (4 * (event.clientY - drag.current.y)) / height;
    onMove(pan(drag.current.map, right, up));
  };
  const keys = (event: KeyboardEvent): void => {
    const step = KEYS[event.key];
    if (step === undefined || onMove === undefined) return;
    event.preventDefault();
    onMove(step(map));
  };
  return (
    <div
      class="map"
      role="group"
      aria-label={props.label}
      {...(onMove === undefined
        ? {}
        : {
            tabIndex: 0,
            onKeyDown: keys,
            onPointerDown: (event: PointerEvent) => {
              drag.current = { x: event.clientX, y: event.clientY, map };
            },
            onPointerMove: move,
            onPointerUp: () => (drag.current = undefined),
            onPointerLeave: () => (drag.current = undefined),
          })}
    >
      <LandPicture map={map} view={view} />
      <Marks groups={groups} map={map} view={view} hasControls={onMove !== undefined} />
    </div>
  );
}

function LandPicture({ map, view }: { readonly map: MapView; readonly view: View }): JSX.Element {
  const { land, coast } = view.state;
  const topology = map.scale >= COAST_FROM_SCALE ? (coast ?? land) : land;
  const shapes = useMemo<Land | undefined>(
    () => (topology === undefined ? undefined : toLand(topology)),
    [topology],
  );
  const [landPath, gridPath] = useMemo(() => {
    const path = geoPath(toProjection(map)).digits(1);
    const grid = geoGraticule().step(GRATICULE_STEP)();
    return [shapes === undefined ? '' : (path(shapes) ?? ''), path(grid) ?? ''];
  }, [shapes, map]);
  return (
    <svg class="map__land" viewBox={`0 0 ${MAP_WIDTH} ${MAP_HEIGHT}`} aria-hidden="true">
      <path class="land" d={landPath} fill-rule="evenodd" />
      <path class="grid" d={gridPath} />
    </svg>
  );
}

function Marks(props: {
  readonly groups: readonly PositionGroup[];
  readonly map: MapView;
  readonly view: View;
  readonly hasControls: boolean;
}): JSX.Element {
  const projection = toProjection(props.map).clipExtent(null);
  const visible: PlacedGroup[] = props.groups.flatMap((group) => {
    const point = projection([group.longitude, group.latitude]);
    if (point === null) return [];
    const [x, y] = point;
    return x < 0 || y < 0 || x > MAP_WIDTH || y > MAP_HEIGHT ? [] : [{ group, x, y }];
  });
  const placed = joinGroups(visible);
  const named = placed
    .filter(({ group }) => group.state !== null && !needsNothing(group.state))
    .slice(0, NAMES_SHOWN_MAX);
  const { texts } = props.view;
  const controls = texts.direction === 'rtl' ? 'left' : 'right';
  const sides = placeLabels(
    placed.map((place) => ({
      x: place.x,
      y: place.y,
      name: named.includes(place) || placed.length === 1 ? toName(place.group, texts) : undefined,
    })),
    props.hasControls ? controls : undefined,
  );
  return (
    <>
      {placed.map((place, index) => (
        <Mark
          key={place.group.installation_id ?? `${place.group.latitude} ${place.group.longitude}`}
          place={place}
          nameSide={sides[index]}
          view={props.view}
        />
      ))}
    </>
  );
}

function Mark(props: {
  readonly place: PlacedGroup;
  /** Where the name is placed, or undefined if it is not shown. */
  readonly nameSide: LabelSide | undefined;
  readonly view: View;
}): JSX.Element {
  const { group, x, y } = props.place;
  const { texts, acts } = props.view;
  const { say } = texts;
  const style = { left: `${(100 * x) / MAP_WIDTH}%`, top: `${(100 * y) / MAP_HEIGHT}%` };
  if (group.installation_id === null) {
    const tone: Tone = group.late > 0 ? 'warn' : 'calm';
    return (
      <button
        type="button"
        class="map__mark map__group"
        data-tone={tone}
        style={style}
        aria-label={say('map.group', { n: group.boats, late: texts.number(group.late) })}
        onClick={() => acts.openGroup(group)}
      >
        {texts.number(group.boats)}
      </button>
    );
  }
  const name = toName(group, texts);
  const state: BoatState = group.state ?? 'in_order';
  const [mark, tone] = STATE_LOOKS[state];
  return (
    <a
      class="map__mark"
      data-tone={tone}
      style={style}
      href={toBoatAddress(group.installation_id)}
      aria-label={say('map.boat', { name, state: say(`state.${state}`) })}
    >
      <Icon name={mark} />
      {props.nameSide !== undefined && <span class={`is-${props.nameSide}`}>{name}</span>}
    </a>
  );
}
