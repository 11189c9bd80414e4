const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/**
 * Functions of pg_catalog that compute, or that read what the catalogue and the statistics say.
 * Not here, and so refused: whatever writes, reads files, runs SQL text, sleeps, signals, notifies,
 * takes locks, changes settings or leaves the database, and what makes much out of little
 * (repeat, lpad, rpad).
 */
export const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set([
  ...words(`count sum avg min max bool_and bool_or every any_value string_agg array_agg
    json_agg jsonb_agg json_object_agg jsonb_object_agg bit_and bit_or
    stddev stddev_pop stddev_samp variance var_pop var_samp corr regr_slope regr_intercept
    percentile_cont percentile_disc mode
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value`),
  ...words(
    `abs ceil ceiling floor round trunc mod div power sqrt cbrt exp ln log sign width_bucket`,
  ),
  ...words(`lower upper initcap length char_length character_length octet_length bit_length
    btrim ltrim rtrim substring substr left right replace translate split_part strpos position
    overlay concat concat_ws format reverse starts_with ascii chr md5 encode
    regexp_match regexp_matches regexp_replace regexp_split_to_table regexp_like regexp_count
    regexp_substr like_escape similar_to_escape
    to_char to_date to_number to_timestamp quote_ident quote_literal quote_nullable`),
  ...words(`now statement_timestamp transaction_timestamp clock_timestamp timezone
    date_trunc date_part date_bin extract age justify_days justify_hours justify_interval
    make_date make_time make_timestamp make_timestamptz make_interval isfinite`),
  ...words(`json_build_object json_build_array jsonb_build_object jsonb_build_array
    to_json to_jsonb row_to_json array_to_json json_strip_nulls jsonb_strip_nulls
    json_array_length jsonb_array_length json_typeof jsonb_typeof
    json_extract_path jsonb_extract_path json_extract_path_text jsonb_extract_path_text
    json_array_elements jsonb_array_elements json_array_elements_text jsonb_array_elements_text
    json_each jsonb_each json_each_text jsonb_each_text json_object_keys jsonb_object_keys`),
  ...words(`array_length array_ndims array_lower array_upper cardinality array_position
    array_positions array_append array_prepend array_cat array_remove array_replace array_to_string
    string_to_array unnest generate_series generate_subscripts`),
  ...words(`version current_database current_schema current_setting pg_is_in_recovery
    pg_postmaster_start_time pg_size_pretty pg_database_size pg_relation_size
    pg_table_size pg_total_relation_size pg_indexes_size pg_tablespace_size
    pg_get_indexdef pg_get_constraintdef pg_get_expr pg_get_viewdef pg_get_userbyid
    pg_get_serial_sequence pg_get_function_identity_arguments
    format_type obj_description col_description pg_table_is_visible pg_typeof pg_encoding_to_char
    has_table_privilege has_schema_privilege has_column_privilege has_sequence_privilege
    pg_blocking_pids mxid_age pg_sequence_last_value
    pg_database_collation_actual_version pg_collation_actual_version
    pg_current_wal_lsn pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp
    pg_wal_lsn_diff`),
])

/** Types that a value may be cast to. Their input functions compute, or look a name up. */
export const ALLOWED_TYPES: ReadonlySet<string> = new Set(
  words(`bool int2 int4 int8 float4 float8 numeric text varchar bpchar char name
    date time timetz timestamp timestamptz interval json jsonb uuid bytea oid xid xid8
    regclass regtype regnamespace regrole pg_lsn inet cidr macaddr point box`),
)

/** Where functions, types and operators are looked up, and nowhere else. */
export const CATALOG = 'pg_catalog'

/** Whose relations a target may read that names no schemas of its own. */
export const DEFAULT_SCHEMAS: readonly string[] = [CATALOG, 'information_schema']
