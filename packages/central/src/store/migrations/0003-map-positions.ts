/**
 * Removes positions of receivers without a fix from the columns that the map reads. The records keep the values that the boats
 * sent. The conditions match `toMapPosition`. PostgreSQL sorts NaN above all other values, so `between` excludes it too.
 */
export const MAP_POSITIONS_SQL = ['boatlog', 'marine_vision_captures']
  .map(
    (category) => `
update records_${category} set latitude = null, longitude = null
where (latitude is not null or longitude is not null)
  and (latitude between -90 and 90 and longitude between -180 and 180
    and not (latitude = 0 and longitude = 0)) is not true;
`,
  )
  .join('');
