-- The database of the agent API: users, who hold credits.
create schema agent;
create table agent.users (
  id int primary key,
  name text not null,
  credits int not null default 0 check (credits >= 0)
);
create table agent.renames (
  user_id int not null references agent.users,
  before text not null,
  after text not null
);
insert into agent.users (id, name, credits)
values (1, 'Ada', 30), (2, 'Grace', 5), (3, 'Edsger', 10), (4, 'Barbara', 10), (5, 'Tony', 10);
