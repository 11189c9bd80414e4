/** A small schema with what a dry run may not touch, and a function and a view that would. */
export const SHOP_SQL = `
  create schema shop;
  create table shop.orders (id int primary key, word text not null, paid boolean not null);
  insert into shop.orders select n, 'order ' || n, n % 2 = 0 from generate_series(1, 50) n;
  create sequence shop.numbers;
  create function shop.note() returns int language sql
    begin atomic insert into shop.orders values (0, 'noted', false) returning id; end;
  create view shop.noting as select shop.note() as id;
  select lo_from_bytea(0, 'a large object');
`
