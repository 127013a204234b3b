# flowlog_fdw: a foreign data wrapper over VPC flow logs

MODULE_big = flowlog_fdw
EXTENSION = flowlog_fdw
DATA = $(sort $(wildcard flowlog_fdw--*.sql))
PGFILEDESC = "flowlog_fdw - query VPC flow logs where they lie"

# the wrapper: compiled with PostgreSQL's headers
WRAPPER_OBJS = \
	flowlog_fdw.o \
	fdw/setting.o \
	fdw/option.o \
	fdw/table.o \
	fdw/scan.o \
	fdw/plan.o \
	fdw/plan_column.o \
	fdw/plan_common.o \
	fdw/plan_qual.o \
	fdw/expression.o \
	fdw/expression_memo.o \
	fdw/expression_text.o \
	fdw/expression_time.o \
	fdw/need.o \
	fdw/qual.o \
	fdw/qual_build.o \
	fdw/qual_address.o \
	fdw/qual_column.o \
	fdw/qual_like.o \
	fdw/qual_part.o \
	fdw/qual_compare.o \
	fdw/qual_error.o \
	fdw/privilege.o \
	fdw/prune.o \
	fdw/prune_date.o \
	fdw/prune_part.o \
	fdw/prune_row.o \
	fdw/aggregate.o \
	fdw/estimate.o \
	fdw/aggregate_cost.o \
	fdw/aggregate_having.o \
	fdw/aggregate_output.o \
	fdw/aggregate_plan.o \
	fdw/aggregate_scan.o \
	fdw/aggregate_distinct.o \
	fdw/aggregate_sets.o \
	fdw/aggregate_state.o \
	fdw/group_exchange.o \
	fdw/group_parts.o \
	fdw/group_slot.o \
	fdw/group_store.o \
	fdw/top.o \
	fdw/sort.o \
	fdw/sort_dictionary.o \
	fdw/sort_plan.o \
	fdw/sort_rows.o \
	fdw/key_set.o \
	fdw/runtime_set.o \
	fdw/set_collect.o \
	fdw/set_join.o \
	fdw/set_scan.o \
	fdw/set_aggregate.o \
	fdw/s3.o \
	fdw/tuple.o \
	fdw/type.o \
	fdw/explain.o \
	fdw/parallel.o \
	fdw/settle.o \
	fdw/catalogue.o \
	fdw/catalogue_write.o \
	fdw/list_refresh.o \
	fdw/list_write.o \
	fdw/shared_list.o \
	fdw/analyze.o \
	fdw/import.o \
	fdw/import_layout.o \
	fdw/ledger.o \
	fdw/backend.o \
	fdw/descriptor.o \
	fdw/printable.o \
	fdw/function.o \
	index/index_answer.o \
	index/index_command.o \
	index/index_cost.o \
	index/index_definition.o \
	index/index_file.o \
	index/index_prune.o \
	index/index_read.o \
	index/index_refresh.o \
	index/index_search.o \
	index/index_sighting.o \
	index/index_status.o \
	index/index_table.o \
	index/index_write.o \
	cluster/cluster.o \
	cluster/cluster_table.o \
	cluster/rollup.o \
	cluster/rollup_plan.o \
	fdw/version.o \
	fdw/work_queue.o \
	athena/athena.o \
	athena/athena_path.o \
	athena/athena_property.o \
	athena/athena_text.o \
	athena/trino.o \
	athena/trino_address.o \
	athena/trino_aggregate.o \
	athena/trino_format.o \
	athena/trino_sequence.o \
	athena/trino_text.o

# the core: compiled without PostgreSQL's headers
CORE_OBJS = \
	flow/error.o \
	flow/sort.o \
	flow/value.o \
	flow/value_address.o \
	flow/value_time.o \
	flow/value_write.o \
	flow/keys.o \
	flow/lines.o \
	flow/bytes/split.o \
	flow/bytes/split_portable.o \
	flow/bytes/split_x86.o \
	flow/bytes/split_arm.o \
	flow/filter.o \
	flow/filter_absent.o \
	flow/selector.o \
	flow/filter_batch.o \
	flow/filter_compare.o \
	flow/filter_deferred.o \
	flow/filter_index.o \
	flow/filter_interval.o \
	flow/filter_key.o \
	flow/filter_like.o \
	flow/filter_list.o \
	flow/filter_network.o \
	flow/filter_text.o \
	flow/expression.o \
	flow/expression_filter.o \
	flow/expression_number.o \
	flow/expression_text.o \
	flow/expression_time.o \
	flow/filter_expression.o \
	flow/memo.o \
	flow/vector.o \
	flow/vector_digits.o \
	flow/group.o \
	flow/group_find.o \
	flow/group_key.o \
	flow/group_memory.o \
	flow/group_merge.o \
	flow/group_packed.o \
	flow/group_packed_total.o \
	flow/group_rows.o \
	flow/group_share.o \
	flow/group_spread.o \
	flow/group_table.o \
	flow/group_top.o \
	flow/group_total.o \
	flow/group_given.o \
	flow/group_words.o \
	flow/top.o \
	flow/index_key.o \
	flow/index_range.o \
	flow/index_block.o \
	flow/index_arena.o \
	flow/index_places.o \
	flow/index_batch.o \
	flow/index_fields.o \
	flow/index_values.o \
	flow/index_totals.o \
	flow/field.o \
	flow/format.o \
	flow/header.o \
	flow/layout.o \
	flow/regex.o \
	flow/pattern.o \
	flow/pattern_read.o \
	flow/location.o \
	flow/location_class.o \
	flow/location_day.o \
	flow/location_match.o \
	flow/location_template.o \
	flow/name_time.o \
	flow/object.o \
	flow/object_list.o \
	flow/shard.o \
	flow/file_list.o \
	flow/bytes/printed.o \
	flow/bytes/source.o \
	flow/bytes/unread.o \
	flow/probe.o \
	flow/bytes/file.o \
	flow/bytes/gzip.o \
	flow/bytes/json.o \
	flow/bytes/json_content.o \
	flow/bytes/json_error.o \
	flow/bytes/json_event.o \
	flow/bytes/json_fields.o \
	flow/bytes/json_place.o \
	flow/bytes/json_shape.o \
	flow/bytes/json_token.o \
	flow/hive_token.o \
	flow/hive.o \
	flow/java_regex.o \
	flow/bytes/csv.o \
	flow/s3/endpoint.o \
	flow/bytes/zstd.o \
	flow/bytes/bzip2.o \
	flow/bytes/xz.o \
	flow/parquet/thrift.o \
	flow/parquet/damage.o \
	flow/parquet/room.o \
	flow/parquet/codec_snappy.o \
	flow/parquet/codec_lz4.o \
	flow/parquet/codec.o \
	flow/parquet/chunk.o \
	flow/parquet/schema.o \
	flow/parquet/footer.o \
	flow/parquet/unpack.o \
	flow/parquet/rle.o \
	flow/parquet/plain.o \
	flow/parquet/rle_boolean.o \
	flow/parquet/delta.o \
	flow/parquet/delta_length.o \
	flow/parquet/delta_bytes.o \
	flow/parquet/stream_split.o \
	flow/parquet/encoding.o \
	flow/parquet/page.o \
	flow/parquet/column.o \
	flow/parquet/page_index.o \
	flow/parquet/bloom.o \
	flow/parquet/sample.o \
	flow/parquet/search.o \
	flow/parquet/text.o \
	flow/part.o \
	flow/constant.o \
	flow/counts.o \
	flow/parquet/codes.o \
	flow/parquet/fields.o \
	flow/parquet/page_skip.o \
	flow/parquet/statistics.o \
	flow/parquet/records.o \
	flow/reader_open.o \
	flow/parquet_input.o \
	flow/reader_line.o \
	flow/reader_piece.o \
	flow/reader_parquet.o \
	flow/reader_ahead.o \
	flow/reader_judge.o \
	flow/reader_group.o \
	flow/reader_reject.o \
	flow/reader.o

OBJS = $(WRAPPER_OBJS) $(CORE_OBJS)
SHLIB_LINK = -lpcre2-8 -lisal -lzstd -lbz2 -llzma -lsnappy -llz4 -lm

# the second module, which reads from S3; make WITH_S3=no leaves it out.  It has
# its own copies of the parts of the core that it needs.
WITH_S3 ?= yes
S3_OBJS = \
	fdw/flowlog_s3.o \
	flow/s3/s3.o \
	flow/s3/s3_piece.o \
	flow/s3/s3_range.o \
	flow/s3/s3_request.o \
	flow/s3/s3_answer.o \
	flow/s3/s3_retry.o \
	flow/s3/s3_pace.o \
	flow/s3/s3_list.o \
	flow/s3/s3_list_save.o \
	flow/s3/s3_page.o \
	flow/s3/s3_sign.o \
	flow/s3/s3_ask.o \
	flow/s3/s3_credentials.o \
	flow/s3/s3_profile.o \
	flow/bytes/json_member.o \
	flow/s3/xml.o \
	flow/s3/http.o
S3_SHARED_OBJS = \
	flow/s3/endpoint.o \
	flow/error.o \
	flow/sort.o \
	flow/bytes/json_token.o \
	flow/location.o \
	flow/location_class.o \
	flow/location_day.o \
	flow/location_match.o \
	flow/location_template.o \
	flow/object.o \
	flow/object_list.o \
	flow/shard.o \
	flow/file_list.o \
	flow/bytes/file.o \
	flow/value_time.o
S3_LINK = -lcurl -lcrypto -lexpat

# the library's version; it is built together with the SQL objects of that
# version
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" flowlog_fdw.control)

PG_CFLAGS = -fvisibility=hidden
PG_CPPFLAGS = -iquote $(CURDIR) -DFLOWLOG_VERSION='"$(EXTVERSION)"'
ifeq ($(WITH_S3),no)
PG_CPPFLAGS += -DFLOWLOG_WITHOUT_S3
endif

# Bitcode lets the server inline SQL-callable functions; none of ours is worth it.
override with_llvm = no

REGRESS = $(sort $(patsubst sql/%.sql,%,$(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=flowlog_fdw --launcher=$(CURDIR)/test/support/regress_launcher

# a release of the extension, as on PGXN
DISTVERSION := $(shell sed -n 's/^   "version": "\(.*\)",/\1/p' META.json)
DISTNAME = flowlog_fdw-$(DISTVERSION)

EXTRA_CLEAN = bench/gen bench/scan bench/inflate bench/store flowlog_fdw-*.zip

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

ifneq ($(WITH_S3),no)
all: flowlog_s3$(DLSUFFIX)
install: install-s3
uninstall: uninstall-s3
clean: clean-s3
endif

flowlog_s3$(DLSUFFIX): $(S3_OBJS) $(S3_SHARED_OBJS)
	$(CC) $(CFLAGS) $^ $(LDFLAGS) $(LDFLAGS_SL) -shared -o $@ $(S3_LINK)

install-s3: flowlog_s3$(DLSUFFIX) installdirs
	$(INSTALL_SHLIB) $< '$(DESTDIR)$(pkglibdir)/$<'

uninstall-s3:
	rm -f '$(DESTDIR)$(pkglibdir)/flowlog_s3$(DLSUFFIX)'

clean-s3:
	rm -f flowlog_s3$(DLSUFFIX) $(S3_OBJS)

# PGXS does not track headers
CORE_HEADERS = $(wildcard flow/*.h flow/*/*.h)
$(WRAPPER_OBJS): flowlog_fdw.h $(wildcard fdw/*.h athena/*.h cluster/*.h index/*.h) $(CORE_HEADERS)
$(CORE_OBJS) $(S3_OBJS): $(CORE_HEADERS)
fdw/version.o: flowlog_fdw.control

# Loops over the values of many rows: at -O3, the compiler takes several rows at once.
LOOP_OBJS = \
	flow/expression.o \
	flow/expression_number.o \
	flow/filter_batch.o \
	flow/filter_expression.o \
	flow/group_find.o \
	flow/group_packed_total.o \
	flow/group_top.o \
	flow/group_total.o \
	flow/index_totals.o \
	flow/index_values.o \
	flow/parquet/codes.o \
	flow/parquet/column.o \
	flow/parquet/fields.o \
	flow/parquet/plain.o \
	flow/reader_group.o \
	flow/reader_parquet.o \
	flow/vector.o
LOOP_FLAGS := $(if $(filter -O2,$(CFLAGS)),-O3)

# A failed assertion stops the whole server, so the core's assertions are compiled
# only for servers that are built with assertions.
CORE_ASSERTIONS := $(if $(findstring --enable-cassert,$(shell $(PG_CONFIG) --configure)),,-DNDEBUG)

flow/%.o: flow/%.c
	$(CC) $(CFLAGS) $(if $(filter $@,$(LOOP_OBJS)),$(LOOP_FLAGS)) $(CORE_ASSERTIONS) -iquote flow -c -o $@ $<

bench/gen: bench/gen.c bench/gen_busy.c bench/gen_profile.c bench/gen.h
	$(CC) $(CFLAGS) -o $@ $(filter %.c,$^) -lisal

# a store that is far away
bench/store: bench/store.c
	$(CC) $(CFLAGS) -o $@ $<

# the core without PostgreSQL
bench/scan: bench/scan.c $(CORE_OBJS)
	$(CC) $(CFLAGS) -iquote flow -o $@ $^ $(SHLIB_LINK)

bench/inflate: bench/inflate.c
	$(CC) $(CFLAGS) -o $@ $< -lisal

CLANG_FORMAT ?= clang-format-14

check-format:
	$(CLANG_FORMAT) --dry-run -Werror $$(find . -name '*.[ch]')

# ---------- tests: see test/README.md ----------

# PGXS has taken "check", and has installcheck for sql/ and expected/.
check-all:
	scripts/test --all

check-core:
	scripts/test unit

check-fuzz:
	scripts/test fuzz

# test/t, or PROVE_TESTS, against the PostgreSQL that the extension was installed into
PROVE_TESTS ?= test/t/*.pl
PROVE_FLAGS += -I test/t

prove_installcheck:
	$(prove_installcheck)

# an archive of what is committed, for PGXN
dist:
	git archive --format=zip --prefix=$(DISTNAME)/ --output=$(DISTNAME).zip HEAD

.PHONY: check-all check-core check-fuzz check-format prove_installcheck dist install-s3 uninstall-s3 clean-s3
