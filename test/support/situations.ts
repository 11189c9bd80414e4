import type { JsonObject } from '../../domain/json.ts'

/** What is made in the schema `shop`, what the check then finds there, and what cures it. */
export type Situation = Readonly<{
  check: string
  params?: JsonObject
  name: string
  make: readonly string[]
  finds: readonly JsonObject[]
  cure: readonly string[]
}>

/** A schema with nothing to find in it, but much that comes near. */
export const WELL: readonly string[] = [
  `create schema shop`,
  `create table shop.customer (id int generated always as identity primary key, name text unique)`,
  `create table shop.orders (
    id int primary key, customer int not null references shop.customer, note text,
    constraint customer_known check (customer > 0)
  ) with (autovacuum_enabled = on)`,
  `create index orders_customer on shop.orders (customer)`,
  `create index orders_no_note on shop.orders (customer) where note is null`,
  `create index orders_newest on shop.orders (note, customer desc)`,
  `create index orders_lower on shop.orders (lower(note))`,
  `insert into shop.customer (name) values ('Ada'), ('Blaise')`,
  `insert into shop.orders select g, 1 + g % 2, 'order ' || g from generate_series(1, 100) g`,
  `analyze shop.customer, shop.orders`,
]

/** The table that most situations are made with; it is gone after each. */
const LOG = 'create table shop.log (line text) with (autovacuum_enabled = off)'
const fill = (rows: number) =>
  `insert into shop.log select 'line ' || g from generate_series(1, ${rows}) g`

export const SITUATIONS: readonly Situation[] = [
  {
    check: 'hc.no-primary-key',
    name: 'a table without a primary key',
    make: [LOG, 'create unique index log_once on shop.log (line)'],
    finds: [{ status: 'warning', table: 'log', hasUniqueIndex: true }],
    cure: ['alter table shop.log add primary key (line)'],
  },
  {
    check: 'hc.autovacuum-off',
    name: 'a table that autovacuum leaves alone',
    make: [LOG],
    finds: [{ table: 'log' }],
    cure: ['alter table shop.log reset (autovacuum_enabled)'],
  },
  {
    check: 'hc.unlogged-tables',
    name: 'an unlogged table',
    make: ['create unlogged table shop.log (line text primary key)'],
    finds: [{ status: 'warning', table: 'log' }],
    cure: ['alter table shop.log set logged'],
  },
  {
    check: 'hc.never-analyzed',
    params: { minRows: 1000 },
    name: 'a table that nobody analyzed',
    make: [LOG, fill(1000)],
    finds: [{ status: 'warning', table: 'log', rows: 1000, found: 1 }],
    cure: ['analyze shop.log'],
  },
  {
    check: 'hc.stale-statistics',
    params: { minRows: 1000, warningPercent: 20, criticalPercent: 80 },
    name: 'much written since the last ANALYZE',
    make: [LOG, fill(1000), 'analyze shop.log', fill(1000)],
    finds: [{ status: 'warning', table: 'log', written: 1000, percent: 50 }],
    cure: ['analyze shop.log'],
  },
  {
    check: 'hc.dead-tuples',
    params: { minRows: 1000, warningPercent: 20, criticalPercent: 50 },
    name: 'dead rows that no VACUUM took away',
    make: [LOG, fill(2000), `delete from shop.log where line !~ '[05]$'`],
    finds: [{ status: 'critical', table: 'log', live: 400, dead: 1600, percent: 80 }],
    cure: ['vacuum shop.log'],
  },
  {
    check: 'hc.table-bloat',
    params: { minBytes: 100_000, warningPercent: 50, criticalPercent: 95 },
    name: 'pages that are mostly empty',
    make: [LOG, fill(10_000), `delete from shop.log where line !~ '0$'`, 'vacuum analyze shop.log'],
    finds: [{ status: 'warning', table: 'log', found: 1 }],
    cure: ['vacuum (full, analyze) shop.log'],
  },
  {
    check: 'hc.large-tables',
    params: { warningBytes: 1_000_000, criticalBytes: 1_000_000_000 },
    name: 'a large table',
    make: [LOG, fill(30_000), 'vacuum shop.log'],
    finds: [{ status: 'warning', table: 'log', found: 1 }],
    cure: ['truncate shop.log', 'vacuum shop.log'],
  },
  {
    check: 'hc.duplicate-indexes',
    name: 'an index twice',
    make: ['create index orders_customer_2 on shop.orders (customer)'],
    finds: [
      { table: 'orders', index: 'orders_customer_2', coveredBy: 'orders_customer', kind: 'same' },
    ],
    cure: ['drop index shop.orders_customer_2'],
  },
  {
    check: 'hc.duplicate-indexes',
    name: 'an index that another begins with',
    make: ['create index orders_by_both on shop.orders (customer, id)'],
    finds: [{ index: 'orders_customer', coveredBy: 'orders_by_both', kind: 'prefix' }],
    cure: ['drop index shop.orders_by_both'],
  },
  {
    check: 'hc.duplicate-indexes',
    name: 'an index that a constraint has already, and an expression twice',
    make: [
      'create unique index customer_by_id on shop.customer (id)',
      'create index orders_lower_2 on shop.orders (  lower(note))',
    ],
    finds: [
      { index: 'customer_by_id', coveredBy: 'customer_pkey', kind: 'same' },
      { index: 'orders_lower_2', coveredBy: 'orders_lower', kind: 'same' },
    ],
    cure: ['drop index shop.customer_by_id, shop.orders_lower_2'],
  },
  {
    check: 'hc.unused-indexes',
    params: { minBytes: 100_000 },
    name: 'an index that no query has used',
    make: [LOG, fill(10_000), 'create index log_line on shop.log (line)'],
    finds: [{ status: 'warning', table: 'log', index: 'log_line' }],
    cure: [
      `begin; set local enable_seqscan = off; select from shop.log where line = 'line 7'; commit`,
    ],
  },
  {
    check: 'hc.unindexed-foreign-keys',
    params: { criticalRows: 100 },
    name: 'a foreign key that only a partial index serves',
    make: ['drop index shop.orders_customer'],
    finds: [
      { status: 'critical', table: 'orders', columns: ['customer'], references: 'shop.customer' },
    ],
    cure: ['create index orders_customer on shop.orders (customer)'],
  },
  {
    check: 'hc.unvalidated-constraints',
    name: 'a constraint that old rows need not meet',
    make: ['alter table shop.orders add constraint short check (length(note) < 99) not valid'],
    finds: [{ status: 'warning', table: 'orders', constraint: 'short', kind: 'check' }],
    cure: ['alter table shop.orders validate constraint short'],
  },
  {
    check: 'hc.disabled-triggers',
    name: 'a foreign key that is not enforced',
    make: ['alter table shop.orders disable trigger all'],
    finds: [
      { status: 'critical', table: 'orders', constraint: 'orders_customer_fkey', found: 2 },
      { status: 'critical', table: 'orders', constraint: 'orders_customer_fkey', found: 2 },
    ],
    cure: ['alter table shop.orders enable trigger all'],
  },
  {
    check: 'hc.sequence-exhaustion',
    params: { warningPercent: 70, criticalPercent: 90 },
    name: 'a sequence near its end, and one near the end of its column',
    make: [
      `create table shop.ticket (id serial primary key, seat smallserial)`,
      `alter sequence shop.ticket_seat_seq as bigint`,
      `select setval('shop.ticket_id_seq', 2040109466), setval('shop.ticket_seat_seq', 23000)`,
    ],
    finds: [
      { status: 'critical', sequence: 'ticket_id_seq', column: 'id', percent: 95, found: 2 },
      {
        status: 'warning',
        sequence: 'ticket_seat_seq',
        column: 'seat',
        ends: 32767,
        percent: 70.2,
      },
    ],
    cure: [
      'alter table shop.ticket alter id type bigint',
      `select setval('shop.ticket_seat_seq', 1)`,
      'alter sequence shop.ticket_id_seq as bigint',
    ],
  },
  {
    check: 'hc.collation-version',
    name: 'a collation of another version of its library',
    make: [
      `create collation shop.old (provider = icu, locale = 'und', version = '0')`,
      'alter table shop.customer alter name type text collate shop.old',
    ],
    finds: [{ status: 'critical', collation: 'old', madeWith: '0', found: 1 }],
    cure: ['alter collation shop.old refresh version'],
  },
]
