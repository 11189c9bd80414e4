/**
 * What a statement may be made of: the nodes of the parser's tree with the fields each may have.
 * Named as in src/include/nodes/parsenodes.h and primnodes.h of Postgres. Whatever is not here is
 * refused, so a statement in a syntax that this list has never heard of is refused as well.
 *
 * A field says what may stand in it:
 *   'plain'      a name, a number, a flag; of these none can do anything
 *   'nodes'      a node, or a list of nodes, each named by its wrapper
 *   <node name>  exactly this node, which the parser does not wrap there
 */
type Fields = Readonly<Record<string, 'plain' | 'nodes' | (string & {})>>

const named = { location: 'plain' } as const

export const ALLOWED_NODES: Readonly<Record<string, Fields>> = {
  // Neither intoClause nor lockingClause: SELECT INTO makes a table, FOR UPDATE takes row locks.
  SelectStmt: {
    distinctClause: 'nodes',
    targetList: 'nodes',
    fromClause: 'nodes',
    whereClause: 'nodes',
    groupClause: 'nodes',
    groupDistinct: 'plain',
    havingClause: 'nodes',
    windowClause: 'nodes',
    valuesLists: 'nodes',
    sortClause: 'nodes',
    limitOffset: 'nodes',
    limitCount: 'nodes',
    limitOption: 'plain',
    withClause: 'WithClause',
    op: 'plain',
    all: 'plain',
    larg: 'SelectStmt',
    rarg: 'SelectStmt',
  },
  WithClause: { ctes: 'nodes', recursive: 'plain', ...named },
  CommonTableExpr: {
    ctename: 'plain',
    aliascolnames: 'nodes',
    ctematerialized: 'plain',
    ctequery: 'nodes',
    cterecursive: 'plain',
    cterefcount: 'plain',
    ...named,
  },
  ResTarget: { name: 'plain', val: 'nodes', ...named },
  RangeVar: {
    schemaname: 'plain',
    relname: 'plain',
    inh: 'plain',
    relpersistence: 'plain',
    alias: 'Alias',
    ...named,
  },
  RangeSubselect: { lateral: 'plain', subquery: 'nodes', alias: 'Alias' },
  RangeFunction: {
    lateral: 'plain',
    ordinality: 'plain',
    is_rowsfrom: 'plain',
    functions: 'nodes',
    alias: 'Alias',
  },
  JoinExpr: {
    jointype: 'plain',
    isNatural: 'plain',
    larg: 'nodes',
    rarg: 'nodes',
    usingClause: 'nodes',
    join_using_alias: 'Alias',
    quals: 'nodes',
    alias: 'Alias',
    rtindex: 'plain',
  },
  Alias: { aliasname: 'plain', colnames: 'nodes' },
  List: { items: 'nodes' },
  // useOp names an operator of somebody's choice.
  SortBy: { node: 'nodes', sortby_dir: 'plain', sortby_nulls: 'plain', ...named },
  WindowDef: {
    name: 'plain',
    refname: 'plain',
    partitionClause: 'nodes',
    orderClause: 'nodes',
    frameOptions: 'plain',
    startOffset: 'nodes',
    endOffset: 'nodes',
    ...named,
  },
  GroupingSet: { kind: 'plain', content: 'nodes', ...named },
  GroupingFunc: { args: 'nodes', agglevelsup: 'plain', ...named },

  ColumnRef: { fields: 'nodes', ...named },
  ParamRef: { number: 'plain', ...named },
  A_Star: {},
  A_Const: {
    ival: 'Integer',
    fval: 'Float',
    boolval: 'Boolean',
    sval: 'String',
    isnull: 'plain',
    ...named,
  },
  Integer: { ival: 'plain' },
  Float: { fval: 'plain' },
  Boolean: { boolval: 'plain' },
  String: { sval: 'plain' },

  A_Expr: {
    kind: 'plain',
    name: 'nodes',
    lexpr: 'nodes',
    rexpr: 'nodes',
    rexpr_list_start: 'plain',
    rexpr_list_end: 'plain',
    ...named,
  },
  BoolExpr: { boolop: 'plain', args: 'nodes', ...named },
  NullTest: { arg: 'nodes', nulltesttype: 'plain', argisrow: 'plain', ...named },
  BooleanTest: { arg: 'nodes', booltesttype: 'plain', ...named },
  CaseExpr: { arg: 'nodes', args: 'nodes', defresult: 'nodes', ...named },
  CaseWhen: { expr: 'nodes', result: 'nodes', ...named },
  CoalesceExpr: { args: 'nodes', ...named },
  MinMaxExpr: { op: 'plain', args: 'nodes', ...named },
  SubLink: {
    subLinkType: 'plain',
    testexpr: 'nodes',
    operName: 'nodes',
    subselect: 'nodes',
    ...named,
  },
  A_ArrayExpr: { elements: 'nodes', list_start: 'plain', list_end: 'plain', ...named },
  A_Indirection: { arg: 'nodes', indirection: 'nodes' },
  A_Indices: { is_slice: 'plain', lidx: 'nodes', uidx: 'nodes' },
  RowExpr: { args: 'nodes', row_format: 'plain', ...named },
  // current_date and its like; of current_user and its like none says more than the role's name.
  SQLValueFunction: { op: 'plain', typmod: 'plain', ...named },
  CollateClause: { arg: 'nodes', collname: 'nodes', ...named },
  NamedArgExpr: { name: 'plain', arg: 'nodes', argnumber: 'plain', ...named },
  TypeCast: { arg: 'nodes', typeName: 'TypeName', ...named },
  TypeName: {
    names: 'nodes',
    typmods: 'nodes',
    typemod: 'plain',
    arrayBounds: 'nodes',
    ...named,
  },
  FuncCall: {
    funcname: 'nodes',
    args: 'nodes',
    agg_order: 'nodes',
    agg_filter: 'nodes',
    over: 'WindowDef',
    agg_within_group: 'plain',
    agg_star: 'plain',
    agg_distinct: 'plain',
    func_variadic: 'plain',
    funcformat: 'plain',
    ...named,
  },
}
