// Makes schema.sql from the tables of the time zone database in tzdata/, or in the folder named: a release
// of the IANA has iso3166.tab, zone1970.tab and version; what a system installs, as in /usr/share/zoneinfo,
// tells its version in tzdata.zi. `--check` writes nothing and exits 1 if they differ.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const args = process.argv.slice(2)
const folder =
  args.find((it) => it !== '--check') ?? fileURLToPath(new URL('tzdata', import.meta.url))
const read = (name) => readFileSync(join(folder, name), 'utf8')
const rowsOf = (name) =>
  read(name)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))

const version = existsSync(join(folder, 'version'))
  ? read('version').trim()
  : /^# version (\S+)/.exec(read('tzdata.zi'))[1]

/** `+423000` or `-0831518`: degrees with two or three digits, minutes, and seconds if there are any. */
function degrees(text, digits) {
  const [, sign, whole, minutes, seconds = '0'] = new RegExp(
    `^([+-])(\\d{${digits}})(\\d\\d)(\\d\\d)?$`,
  ).exec(text)
  const value = Number(whole) + Number(minutes) / 60 + Number(seconds) / 3600
  return Number(`${sign}${value.toFixed(4)}`)
}

const quoted = (text) => (text === undefined ? 'null' : `'${text.replaceAll("'", "''")}'`)
const values = (rows) => rows.map((row) => `  (${row.join(', ')})`).join(',\n')

const countries = rowsOf('iso3166.tab').map((row) => row.map(quoted))
const zones = rowsOf('zone1970.tab').map(([codes, coordinates, name, comments]) => {
  const [, latitude, longitude] = /^([+-]\d+)([+-]\d+)$/.exec(coordinates)
  const place = [degrees(latitude, 2), degrees(longitude, 3)]
  return { codes: codes.split(','), name, row: [quoted(name), ...place, quoted(comments)] }
})
const pairs = zones.flatMap(({ codes, name }) => codes.map((code) => [quoted(name), quoted(code)]))

const made = `-- Countries and time zones of the IANA time zone database ${version}, which is in the public domain.
-- Made by make-schema.mjs from iso3166.tab and zone1970.tab: do not edit.
begin;

create schema atlas;

create table atlas.country (
  code text primary key check (code ~ '^[A-Z]{2}$'),
  name text not null unique
);

create table atlas.zone (
  name text primary key,
  latitude numeric not null,
  longitude numeric not null,
  comments text
);

create table atlas.zone_country (
  zone text not null references atlas.zone on update cascade on delete cascade,
  country text not null references atlas.country on update cascade on delete cascade,
  primary key (zone, country)
);
create index zone_country_country on atlas.zone_country (country);

insert into atlas.country (code, name) values
${values(countries)};

insert into atlas.zone (name, latitude, longitude, comments) values
${values(zones.map(({ row }) => row))};

insert into atlas.zone_country (zone, country) values
${values(pairs)};

commit;
`

const target = new URL('schema.sql', import.meta.url)
if (!args.includes('--check')) writeFileSync(target, made)
else if (readFileSync(target, 'utf8') !== made) {
  console.error('schema.sql is not what make-schema.mjs makes: run it without --check')
  process.exitCode = 1
}
