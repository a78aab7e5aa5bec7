# Volley: one Makefile, no configure step.  `make help` lists the targets.
#
#   MINIMAL=1      C11 compiler and libm only: builds build-minimal/libckks.a
#   FFT=fftw       FFTW in place of the built-in FFT (make deps-fftw; NOTICE)
#   OMP=1          OpenMP in the libraries too (the command always has it where
#                  the compiler offers it)
#   MPI=1          the command shares sets over ranks of mpirun (make deps-mpi)
#   CC=clang       any C11 compiler; B=dir another build folder
#   V=1            prints whole commands in place of a line a file
#   HAVE_PNG=0 HAVE_JPEG=0 HAVE_GMP=0 HAVE_CURL=0 HAVE_MHD=0 HAVE_OMP=0
#   LIBS=-lm SANITIZE=-static  with a cross compiler: the command without
#                  foreign libraries

CC      ?= gcc
AR      ?= ar
B       ?= $(if $(MINIMAL),build-minimal,build)
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
PYTHON  ?= /usr/bin/python3

WARN   := -Wall -Wextra -Wshadow -Wconversion -Wpedantic -Wstrict-prototypes
# -ffp-contract=off: the exactness proofs of the kernels need every rounding
# where the source has it.
ifdef MINIMAL                   # small; docs/embedded.md
CFLAGS ?= -Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables
endif
CFLAGS ?= -O2 -g
PIC    ?= -fPIC
STD    := -std=c11 -D_POSIX_C_SOURCE=200809L -ffp-contract=off -Ickks -Inn -Iunet
ALL_CFLAGS = $(STD) $(WARN) $(CFLAGS) $(SANITIZE) $(DEFS)

# gcc 12.2 takes functions that write through vector pointers for free of side
# effects and drops their calls (docs/10-kernels.md); these two cure it.
KERNEL_SAFE := $(shell $(CC) -Werror -fno-ipa-modref -fno-ipa-pure-const -E -x c /dev/null >/dev/null 2>&1 && echo -fno-ipa-modref -fno-ipa-pure-const)

# A loop of vectors that lies across one line of 64 bytes more than it must
# takes up to a twentieth longer, a very short one twice as long.
KERNEL_LOOPS := $(shell $(CC) -Werror -falign-loops=32 -c -o /dev/null -x c /dev/null >/dev/null 2>&1 && echo -falign-loops=32)

FFT    ?= builtin
ARCH   := $(shell $(CC) -dumpmachine 2>/dev/null | cut -d- -f1)

DEFS   :=
LIBS   := -lm
CKKS_SRC := $(wildcard ckks/*/*.c ckks/kernel/portable/*.c)

ifdef MINIMAL
  DEFS += -DCKKS_MINIMAL
  FFT := builtin
  CKKS_SRC := $(filter-out ckks/bytes/file%.c ckks/seal/%.c,$(CKKS_SRC))
else
  LIBS := -lxxhash -lm
  ifeq ($(ARCH),x86_64)
    DEFS += -DCKI_HAVE_AVX2 -DCKI_HAVE_AVX512IFMA
    CKKS_SRC += $(wildcard ckks/kernel/avx/*.c ckks/kernel/avx2/*.c ckks/kernel/fma2/*.c ckks/kernel/ifma/*.c)
    FMA2_FLAGS := -mfma
  else ifeq ($(ARCH),aarch64)
    CKKS_SRC += $(wildcard ckks/kernel/fma2/*.c)
  endif
endif
ifeq ($(FFT),fftw)
  DEFS += -DCKKS_FFT_FFTW
  LIBS := -lfftw3 -pthread $(LIBS)
else
  CKKS_SRC := $(filter-out ckks/embed/fft_fftw.c,$(CKKS_SRC))
endif
ifdef VERIFY
  DEFS += -DCKKS_VERIFY
endif
ifdef OMP
  DEFS += -DCKKS_OMP
  SANITIZE += -fopenmp
endif

# make 4.3 leaves "\#" in a function as it stands, which no compiler knows.
HASH := \#
HAVE_PNG := $(shell printf '$(HASH)include <png.h>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo 1)
HAVE_JPEG := $(shell printf '$(HASH)include <stdio.h>\n$(HASH)include <jpeglib.h>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo 1)
HAVE_OMP := $(shell printf '$(HASH)include <omp.h>\n' | $(CC) -fopenmp -E -x c - >/dev/null 2>&1 && echo 1)
ifeq ($(HAVE_PNG),1)
  UNET_DEFS := -DUNET_HAVE_PNG
  UNET_LIBS := -lpng -lz
endif
ifeq ($(HAVE_JPEG),1)
  JPEG_DEFS := -DVOLLEY_HAVE_JPEG
  JPEG_LIBS := -ljpeg
endif

# The two-party protocol (unet/blind) needs GMP, and words of 128 bits.
HAVE_GMP := $(shell printf '$(HASH)include <gmp.h>\n__int128 wide;\n' | $(CC) -E -x c - >/dev/null 2>&1 && printf '__extension__ typedef __int128 w; w x;\n' | $(CC) -fsyntax-only -x c - >/dev/null 2>&1 && echo 1)
ifeq ($(HAVE_GMP),1)
  BLIND_SRC  := $(wildcard unet/blind/*.c unet/blind/portable/*.c)
  BLIND_CMD  := $(wildcard unet/volley/blind/*.c)
  BLIND_DEFS := -DVOLLEY_HAVE_BLIND
  BLIND_LIBS := -lgmp
  ifeq ($(ARCH),x86_64)
    BLIND_DEFS += -DBLIND_HAVE_X86
    BLIND_SRC  += $(wildcard unet/blind/aesni/*.c unet/blind/vaes/*.c unet/blind/avx2/*.c unet/blind/ifma/*.c)
  endif
endif

# The owner's side of a server needs libcurl.
HAVE_CURL := $(shell printf '$(HASH)include <curl/curl.h>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo 1)
ifeq ($(HAVE_CURL),1)
  ASK_CMD   := $(wildcard unet/volley/ask/*.c)
  CURL_DEFS := -DVOLLEY_HAVE_CURL
  CURL_LIBS := -lcurl
endif

# `volley serve` needs libmicrohttpd, which brings GnuTLS.
HAVE_MHD := $(shell printf '$(HASH)include <microhttpd.h>\n$(HASH)include <gnutls/crypto.h>\nint main(void) { return MHD_get_version() == 0; }\n' | $(CC) -x c -o /dev/null - -lmicrohttpd -lgnutls >/dev/null 2>&1 && echo 1)
ifeq ($(HAVE_MHD),1)
  SERVE_CMD  := $(wildcard unet/volley/serve/*.c)
  SERVE_DEFS := -DVOLLEY_HAVE_MHD
  SERVE_LIBS := -lmicrohttpd -lgnutls
endif

# Ranks of mpirun share the sets of evaluate, in $(B)/volley with MPI=1 and, for
# the tests, in $(B)/volley-mpi: one object is another.
MPICC    ?= mpicc
HAVE_MPI := $(shell command -v $(MPICC) >/dev/null 2>&1 && command -v mpirun >/dev/null 2>&1 && echo 1)
MPI_DEFS  = -DVOLLEY_HAVE_MPI $(subst -I,-isystem ,$(shell $(MPICC) --showme:compile))
MPI_LIBS  = $(shell $(MPICC) --showme:link)
RANKS_O  := $(B)/omp/unet/volley/ranks.o
MPI_O    := $(B)/mpi/unet/volley/ranks.o

NN_SRC    := $(wildcard nn/*.c nn/*/*.c)
UNET_SRC  := $(wildcard $(addprefix unet/,*.c image/*.c revolver/*.c))
CMD_SRC   := $(wildcard unet/volley/*.c) $(BLIND_CMD) $(BLIND_SRC) $(ASK_CMD) $(SERVE_CMD)
VEC_SRC   := $(wildcard vectors/check/*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)
STUDY_SRC := $(wildcard unet/study/*.c)
TEST_SRC  := $(wildcard $(addprefix tests/,ckks/*.c nn/*.c unet/*.c oracle/*.c support/*.c) $(if $(HAVE_GMP),tests/blind/*.c))
EXAMPLES  := $(patsubst examples/%.c,$(B)/examples/%,$(wildcard examples/*.c))

obj     = $(patsubst %.c,$(B)/$(1)/%.o,$(2))
CKKS_O := $(call obj,obj,$(CKKS_SRC))
NN_O   := $(call obj,obj,$(NN_SRC))
UNET_O := $(call obj,obj,$(UNET_SRC))
# Private to libnn, and libunet's too: its shared library has a copy.
JSON_O := $(call obj,obj,$(wildcard nn/format/json*.c) nn/format/text.c)
BLIND_O := $(call obj,obj,$(BLIND_SRC))
# The command's own set of objects has OpenMP in it.
CMD_O  := $(call obj,omp,$(CKKS_SRC) $(NN_SRC) $(UNET_SRC) $(CMD_SRC))
VEC_O  := $(call obj,omp,$(CKKS_SRC) $(NN_SRC) unet/tiles.c $(VEC_SRC))
# Programs beside the command, made of its parts.
PART_O  := $(filter-out %/volley/main.o %/volley/ask.o %/volley/serve.o $(call obj,omp,$(ASK_CMD) $(SERVE_CMD)),$(CMD_O))
BENCH_O := $(call obj,omp,$(BENCH_SRC)) $(PART_O)
STUDY_O := $(call obj,omp,$(STUDY_SRC)) $(PART_O)
TEST_O := $(call obj,obj,$(TEST_SRC) unet/web/web_decimal.c unet/web/web_text.c)

ifdef MINIMAL
all: $(B)/libckks.a
else
all: $(B)/libckks.a $(B)/libnn.a $(B)/libunet.a $(B)/libckks.so $(B)/libnn.so $(B)/libunet.so $(B)/volley $(B)/bench $(B)/study $(B)/vectors-check examples
endif

# $(call say,WHAT,FILE) before a command: that line in place of the command.
say = $(if $(V),,@printf '  %-4s %s\n' '$(1)' '$(2)';)

# ---- objects --------------------------------------------------------------

$(B)/obj/ckks/kernel/avx2/%.o $(B)/omp/ckks/kernel/avx2/%.o $(B)/obj/unet/blind/avx2/%.o $(B)/omp/unet/blind/avx2/%.o: KERNEL_FLAGS = -mavx2 -mfma $(KERNEL_LOOPS) $(KERNEL_SAFE)
$(B)/obj/ckks/kernel/fma2/%.o $(B)/omp/ckks/kernel/fma2/%.o: KERNEL_FLAGS = $(FMA2_FLAGS) $(KERNEL_LOOPS) $(KERNEL_SAFE)
ifneq ($(filter ckks/kernel/fma2/%,$(CKKS_SRC)),)
$(B)/obj/ckks/kernel/select.o $(B)/omp/ckks/kernel/select.o: DEFS += -DCKI_HAVE_FMA2
endif
$(B)/obj/ckks/kernel/ifma/%.o $(B)/omp/ckks/kernel/ifma/%.o $(B)/obj/unet/blind/ifma/%.o $(B)/omp/unet/blind/ifma/%.o: KERNEL_FLAGS = -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx512vbmi -mavx512vnni -mavx512ifma $(KERNEL_SAFE)
$(B)/obj/unet/blind/aesni/%.o $(B)/omp/unet/blind/aesni/%.o: KERNEL_FLAGS = -maes -mavx2 $(KERNEL_SAFE)
$(B)/obj/unet/blind/vaes/%.o $(B)/omp/unet/blind/vaes/%.o: KERNEL_FLAGS = -maes -mvaes -mavx512f -mavx512bw -mavx512vl -mavx512dq $(KERNEL_SAFE)
$(B)/obj/unet/%.o: DEFS += $(UNET_DEFS) $(BLIND_DEFS) $(SERVE_DEFS)
$(B)/omp/unet/%.o: DEFS += $(UNET_DEFS) $(BLIND_DEFS) $(SERVE_DEFS)
# Those of the test binary alone show the shares of each step.
$(B)/obj/unet/blind/%.o $(B)/obj/tests/blind/%.o: DEFS += -DBLIND_TESTING
$(B)/omp/unet/volley/jpeg.o: DEFS += $(JPEG_DEFS)
$(B)/omp/unet/volley/ask.o: DEFS += $(CURL_DEFS)
$(B)/obj/tests/%.o: DEFS += $(UNET_DEFS) $(BLIND_DEFS) $(SERVE_DEFS) -Itests -Itests/support

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(KERNEL_FLAGS) $(PIC) -MMD -MP -c -o $@ $<

ifeq ($(HAVE_OMP),1)
$(B)/omp/%.o: DEFS += -DCKKS_OMP
OMP_FLAG := -fopenmp
endif
$(B)/omp/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(KERNEL_FLAGS) $(OMP_FLAG) -MMD -MP -c -o $@ $<

$(MPI_O): DEFS += $(MPI_DEFS)
$(B)/mpi/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(OMP_FLAG) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- libraries, command, examples --------------------------------------------

$(B)/libckks.a: $(CKKS_O)
$(B)/libnn.a:   $(NN_O)
$(B)/libunet.a: $(UNET_O)
$(B)/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $^

# What a public header declares is exported, and nothing else.
$(B)/%.map: tests/scripts/exports.sh
	@mkdir -p $(@D)
	$(call say,MAP,$@)sh tests/scripts/exports.sh $(notdir $*) map >$@.tmp
	@mv $@.tmp $@
$(B)/ckks.map: $(wildcard ckks/ckks*.h)
$(B)/nn.map: nn/nn.h
$(B)/unet.map: unet/unet.h

$(B)/libckks.so: $(CKKS_O) $(B)/ckks.map
	$(call say,LD,$@)$(CC) -shared $(SANITIZE) -Wl,-soname,libckks.so.0 -Wl,--version-script=$(B)/ckks.map -o $@ $(CKKS_O) $(LIBS)
$(B)/libnn.so: $(NN_O) $(B)/libckks.so $(B)/nn.map
	$(call say,LD,$@)$(CC) -shared $(SANITIZE) -Wl,-soname,libnn.so.0 -Wl,--version-script=$(B)/nn.map -o $@ $(NN_O) -L$(B) -lckks -lm
$(B)/libunet.so: $(UNET_O) $(JSON_O) $(B)/libnn.so $(B)/unet.map
	$(call say,LD,$@)$(CC) -shared $(SANITIZE) -Wl,-soname,libunet.so.0 -Wl,--version-script=$(B)/unet.map -o $@ $(UNET_O) $(JSON_O) -L$(B) -lnn -lckks $(UNET_LIBS) -lm

# What of both kinds $(B)/volley is, written when it changes.
$(B)/ranks.kind: FORCE
	@mkdir -p $(@D)
	@echo 'MPI=$(MPI)' | cmp -s - $@ || echo 'MPI=$(MPI)' >$@
FORCE:
$(B)/volley: $(if $(MPI),$(patsubst $(RANKS_O),$(MPI_O),$(CMD_O)),$(CMD_O)) $(B)/ranks.kind
	$(call say,LD,$@)$(CC) $(SANITIZE) $(OMP_FLAG) -o $@ $(filter %.o,$^) $(JPEG_LIBS) $(UNET_LIBS) $(BLIND_LIBS) $(CURL_LIBS) $(SERVE_LIBS) $(if $(MPI),$(MPI_LIBS)) $(LIBS)
$(B)/volley-mpi: $(patsubst $(RANKS_O),$(MPI_O),$(CMD_O))
	$(call say,LD,$@)$(CC) $(SANITIZE) $(OMP_FLAG) -o $@ $^ $(JPEG_LIBS) $(UNET_LIBS) $(BLIND_LIBS) $(CURL_LIBS) $(SERVE_LIBS) $(MPI_LIBS) $(LIBS)

$(B)/bench: $(BENCH_O)
	$(call say,LD,$@)$(CC) $(SANITIZE) $(OMP_FLAG) -o $@ $^ $(JPEG_LIBS) $(UNET_LIBS) $(BLIND_LIBS) $(LIBS)

$(B)/study: $(STUDY_O)
	$(call say,LD,$@)$(CC) $(SANITIZE) $(OMP_FLAG) -o $@ $^ $(JPEG_LIBS) $(UNET_LIBS) $(BLIND_LIBS) $(LIBS)

# Test vectors, over the objects that the command is made of.
$(B)/vectors-check: $(VEC_O)
	$(call say,LD,$@)$(CC) $(SANITIZE) $(OMP_FLAG) -o $@ $^ $(LIBS)

examples: $(EXAMPLES)
$(B)/examples/%: examples/%.c $(B)/libnn.a $(B)/libckks.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -Ickks -Inn -o $@ $< $(B)/libnn.a $(B)/libckks.a $(LIBS)

# ---- tests --------------------------------------------------------------------

# Allocations that fail on demand (tests/support/memory_support.h), where the linker can.
WRAPPED := malloc calloc realloc aligned_alloc free fopen fdopen fclose opendir closedir
comma   := ,
WRAP    := $(WRAPPED:%=-Wl$(comma)--wrap=%)
ifneq ($(shell printf 'void *__wrap_malloc(void); void *__wrap_malloc(void) { return 0; } int main(void) { return 0; }' | $(CC) $(WRAP) -x c -o /dev/null - >/dev/null 2>&1 && echo 1),1)
  WRAP  :=
endif
ifneq ($(WRAP),)
$(B)/obj/tests/support/memory_support.o: DEFS += -DTEST_WRAP
endif

$(B)/tests: $(TEST_O) $(BLIND_O) $(UNET_O) $(NN_O) $(CKKS_O)
	$(call say,LD,$@)$(CC) $(SANITIZE) $(WRAP) -o $@ $^ $(UNET_LIBS) -lgmp $(LIBS)

test: $(B)/tests
	$(B)/tests $(ONLY)

# The same tests over libraries with OpenMP in them, for those that fork.
$(B)/tests-omp: $(TEST_O) $(BLIND_O) $(filter-out $(B)/omp/unet/volley/% $(B)/omp/unet/blind/%,$(CMD_O))
	$(call say,LD,$@)$(CC) $(SANITIZE) $(OMP_FLAG) $(WRAP) -o $@ $^ $(UNET_LIBS) -lgmp $(LIBS)

# What is read of a volume, for tests/scripts/dicom.sh.
$(B)/volume-dump: tests/volumes/dump.c $(B)/libunet.a $(B)/libnn.a $(B)/libckks.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -o $@ $< $(B)/libunet.a $(B)/libnn.a $(B)/libckks.a $(UNET_LIBS) $(LIBS)

check: all $(B)/tests $(B)/tests-omp $(B)/seal-exchange $(B)/forge $(B)/slices $(B)/volume-dump $(if $(HAVE_MPI),$(B)/volley-mpi) $(if $(CHECK_WEB),web $(B)/web/vectors-check.wasm $(B)/web/vectors-simd.wasm $(B)/album-dump) check-layers
	MAKEFLAGS= MFLAGS= FULL_LIBS='$(LIBS)' sh tests/scripts/check.sh $(B)

# Libraries whose files need each other in no circle.
ACYCLIC := ckks nn unet
check-layers: $(foreach l,$(ACYCLIC),$(B)/lib$(l).a)
	sh tests/scripts/layers.sh
	$(PYTHON) -B tests/scripts/circles.py $(B) $(ACYCLIC)

check-long: all $(B)/tests
	CKKS_LONG=1 $(B)/tests
	CKKS_LONG=1 sh tests/scripts/networks.sh $(B)
	CKKS_LONG=1 sh tests/scripts/alloc.sh $(B)
	CKKS_LONG=1 sh tests/scripts/cli.sh $(B)
	CKKS_LONG=1 sh tests/fuzz/check.sh
	sh tests/scripts/cross.sh
	$(MAKE) B=$(B) mutants-sample

# The tests over FFTW (make deps-fftw first).
check-fftw:
	$(MAKE) FFT=fftw B=build-fftw build-fftw/tests
	build-fftw/tests $(ONLY)

# Objects and results exchanged with SEAL, listed (make deps-seal first).
check-seal: $(B)/seal-exchange $(B)/examples/05_sum_with_seal
	SEAL_LIST=1 sh tests/scripts/seal.sh $(B)
$(B)/seal-exchange: tests/seal/exchange.c $(B)/libckks.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -o $@ $< $(B)/libckks.a $(LIBS)

# Beside other libraries, those at hand: variables in the head of tests/scripts/peers.sh.
check-peers: $(B)/seal-exchange $(B)/examples/05_sum_with_seal
	sh tests/scripts/peers.sh $(B)

# A server that forges results (tests/scripts/malice.sh).
$(B)/forge: tests/malice/forge.c $(B)/libunet.a $(B)/libnn.a $(B)/libckks.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -o $@ $< $(B)/libunet.a $(B)/libnn.a $(B)/libckks.a $(UNET_LIBS) $(LIBS)

# Images as an album has them, for tests/web/images.mjs.
$(B)/album-dump: tests/volumes/album.c $(B)/libunet.a $(B)/libnn.a $(B)/libckks.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -o $@ $< $(B)/libunet.a $(B)/libnn.a $(B)/libckks.a $(UNET_LIBS) $(LIBS)

# Volumes as they are read, for nibabel to compare (tests/scripts/volumes.py).
$(B)/slices: tests/volumes/slices.c $(B)/libunet.a $(B)/libnn.a $(B)/libckks.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -o $@ $< $(B)/libunet.a $(B)/libnn.a $(B)/libckks.a $(UNET_LIBS) $(LIBS)

# The rows of the two-party protocol, 200x200 and 64^3: half an hour on a quiet
# machine; ONLY="200 squares" those with these words, AVX2=1 older kernels, too.
check-blind-rows: $(B)/volley
	sh tests/scripts/blind_rows.sh $(B) $(ONLY)

check-mutants:
	sh tests/scripts/mutate.sh

# Every operator of ckks/ changed, COUNT of them in SEED's order, each judged by
# the tests named for its file: an hour; cut, it goes on where it stopped.
COUNT ?= 1000
SEED  ?= 1
mutants:
	$(PYTHON) tests/mutants/mutants.py run --count $(COUNT) --seed $(SEED) --results tests/mutants/results.tsv
mutants-sample:
	rm -f $(B)/mutants.tsv
	$(PYTHON) tests/mutants/mutants.py run --plain --green --jobs 2 --count 20 --seed 2 --least 70 --results $(B)/mutants.tsv

# Test vectors: written anew by their generator; and, in every kernel, compared
# with this library, whose planted faults they must catch.
vectors:
	$(PYTHON) -B vectors/generate/write.py 1 vectors/v1
	$(PYTHON) -B vectors/generate/write.py 2 vectors/v2
	$(PYTHON) -B vectors/generate/write.py b1 vectors/b1
check-vectors: $(B)/vectors-check $(B)/tests
	CKKS_LONG=1 sh tests/scripts/vectors.sh $(B)
	sh tests/scripts/vectors_faults.sh $(B)
	sh tests/scripts/vectors_blind_faults.sh $(B)

# The vectors with other compilers, levels of optimisation and builds, and on
# other architectures, one of them big-endian (make deps-cross first).
check-cross:
	sh tests/scripts/cross.sh $(ONLY)

# The kernel avx512ifma in an emulated machine (make deps-emulated first).
EMULATED_O := $(call obj,obj,$(addprefix tests/support/,test.c kernel_support.c) $(addprefix tests/ckks/,test_exhaustive.c $(addprefix test_kernel_,combine.c ntt.c pointwise.c sums.c)))
check-emulated: $(addprefix $(B)/emulated/,init tests vectors-check)
	sh tests/scripts/emulated.sh $(B) $(ONLY)
$(B)/emulated/select.o: ckks/kernel/select.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -UCKI_HAVE_AVX2 -UCKI_HAVE_FMA2 -MMD -MP -c -o $@ $<
$(B)/emulated/tests: $(EMULATED_O)
$(B)/emulated/vectors-check: $(call obj,obj,$(VEC_SRC) unet/tiles.c) $(B)/libnn.a
$(B)/emulated/tests $(B)/emulated/vectors-check: $(B)/emulated/select.o $(B)/libckks.a
	$(call say,LD,$@)$(CC) $(SANITIZE) -static -o $@ $(filter %.o,$^) $(filter %nn.a,$^) $(B)/libckks.a $(LIBS)
$(B)/emulated/init: tests/emulated/init.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=c11 $(WARN) $(CFLAGS) -static -o $@ $<

# No jump, address or division by a secret: two compilers, four levels, all
# kernels, both rings (make deps-ct first); a quick form is part of check.
check-ct:
	sh tests/scripts/ct.sh all $(ONLY)

# Sanitizers: all tests, or those whose name contains ONLY; without it the command
# too.  Memory and thread take clang (make deps-sanitize first) and leave out what
# is not instrumented: FFTW, libpng, libjpeg, libgomp; what else is ignored, and
# why, stands in tests/sanitizers.  Archer, which comes with clang's OpenMP, tells
# ThreadSanitizer how its threads wait for each other; a limit of file size ends
# any program of these two, hence VOLLEY_LIMITS=0.
INSTRUMENTED = CFLAGS="-O1 -g" CC=clang FFT=builtin HAVE_PNG=0 HAVE_JPEG=0 HAVE_CURL=0

check-asan:
	$(MAKE) B=build-asan CFLAGS="-O1 -g" SANITIZE="-fsanitize=address -fno-omit-frame-pointer" build-asan/tests build-asan/volley build-asan/bench
	ASAN_OPTIONS=detect_leaks=1 build-asan/tests $(ONLY)
	$(if $(ONLY),,ASAN_OPTIONS=detect_leaks=1 sh tests/scripts/cli.sh build-asan)
check-ubsan:
	$(MAKE) B=build-ubsan CFLAGS="-O1 -g" SANITIZE="-fsanitize=undefined -fno-sanitize-recover=all" build-ubsan/tests build-ubsan/volley build-ubsan/bench
	build-ubsan/tests $(ONLY)
	$(if $(ONLY),,sh tests/scripts/cli.sh build-ubsan)
check-msan:
	$(MAKE) B=build-msan $(INSTRUMENTED) HAVE_OMP=0 SANITIZE="-fsanitize=memory -fsanitize-memory-track-origins -fsanitize-ignorelist=tests/sanitizers/memory.ignore -fno-omit-frame-pointer" build-msan/tests build-msan/volley build-msan/bench
	build-msan/tests $(ONLY)
	$(if $(ONLY),,VOLLEY_FULL=0 sh tests/scripts/cli.sh build-msan)
check-tsan:
	$(MAKE) B=build-tsan $(INSTRUMENTED) OMP=1 SANITIZE="-fsanitize=thread -fopenmp -fno-omit-frame-pointer" build-tsan/tests build-tsan/volley build-tsan/bench
	OMP_NUM_THREADS=3 TSAN_OPTIONS=ignore_noninstrumented_modules=1 build-tsan/tests $(ONLY)
	$(if $(ONLY),,OMP_NUM_THREADS=3 TSAN_OPTIONS=ignore_noninstrumented_modules=1 VOLLEY_FULL=0 VOLLEY_LIMITS=0 sh tests/scripts/cli.sh build-tsan)
check-verify:
	$(MAKE) B=build-verify VERIFY=1 build-verify/tests
	build-verify/tests $(ONLY)

demo: $(B)/volley
	$(B)/volley demo --out $(B)/demo

# Minutes.  The network once more, for what a second thread is worth.
bench: $(B)/bench
	$(B)/bench
	$(B)/bench --threads 2 network

# Classifiers by many packings: tables, CSV and pictures in docs/study.
DATA ?= ../shared/data
study: $(B)/study
	$(B)/study unet/models/mnist.safetensors $(DATA)/mnist/test-images-0-7999-idx3-ubyte.gz --labels $(DATA)/mnist/test-labels-0-7999-idx1-ubyte.gz -o docs/study
	$(B)/study unet/models/skin.safetensors --fit $(DATA)/skin/test --labels $(DATA)/skin/test-labels.idx1.gz -o docs/study

# ---- the owner's side in a browser (unet/web) ------------------------------------

# WebAssembly by clang and wasi-libc, portable kernel, no foreign library.  The
# host's headers are not looked at; nothing of this folder's place or of what
# else is installed enters the module (make deps-web first).
WEB      := $(B)/web
WEB_CC   ?= clang-19
WEB_TARGET := --target=wasm32-wasi -nostdlibinc -isystem /usr/include/wasm32-wasi -mnontrapping-fptoint -msign-ext -flto
WEB_SRC  := $(wildcard ckks/base/*.c ckks/bytes/*.c ckks/embed/*.c ckks/kernel/*.c ckks/kernel/portable/*.c ckks/ring/*.c ckks/scheme/*.c nn/*.c nn/*/*.c unet/*.c unet/image/*.c unet/web/*.c)
WEB_SRC  := $(filter-out ckks/embed/fft_fftw.c nn/run/pages.c unet/partial.c unet/scratch.c unet/server.c,$(WEB_SRC))
WEB_O    := $(patsubst %.c,$(WEB)/obj/%.o,$(WEB_SRC))
# wasi-libc declares no fchmod (web_system.c).
WEB_NEWER := -Wno-error=implicit-function-declaration -Wno-enum-float-conversion
# The same with a kernel of two lanes, for engines with relaxed SIMD (simd.mjs),
# which clang 14 does not know: kernels are other objects there, the rest is shared.
WEB_OWN     := $(patsubst %.c,$(WEB)/obj/%.o,ckks/kernel/select.c $(wildcard ckks/kernel/portable/*.c))
web_simd     = $(foreach o,$(1),$(if $(filter $(o),$(WEB_OWN)),$(patsubst $(WEB)/obj/%,$(WEB)/simd/%,$(o)),$(o)))
WEB_FMA2_O  := $(patsubst %.c,$(WEB)/simd/%.o,$(wildcard ckks/kernel/fma2/*.c))
WEB_SIMD_O  := $(call web_simd,$(WEB_O)) $(WEB_FMA2_O)
WEB_MODULES := $(WEB)/volley.wasm $(WEB)/volley-simd.wasm
WEB_FILES := $(patsubst unet/web/%,$(WEB)/%,$(wildcard unet/web/*.mjs unet/web/*.html unet/web/*.css unet/web/*.svg))
# No -O when linking: clang would run a wasm-opt that happens to be there.
WEB_LD   := $(WEB_CC) --target=wasm32-wasi -flto -Wl,--gc-sections,--strip-all,--stack-first,-z,stack-size=1048576
# Loops that count as they are written are smaller, and no slower; so are calls
# that stay calls, but the other module is the fast one.
WEB_LESS := -Wl,-mllvm,-disable-lsr
$(WEB)/volley.wasm $(WEB)/vectors-check.wasm: WEB_LESS += -Wl,-mllvm,-inline-threshold=-50
WEB_LINK := -mexec-model=reactor -Wl,--max-memory=1610612736
WEB_SIZE := -Oz
# Only what keys, encryption and decryption spend their time in is fast.
WEB_FAST := kernel/portable/ntt.o kernel/portable/ntt_inv.o kernel/portable/expand.o kernel/portable/words.o kernel/portable/dot.o base/blake2.o embed/fft_builtin.o
$(WEB_FAST:%=$(WEB)/obj/ckks/%) $(WEB_FAST:kernel/%=$(WEB)/simd/ckks/kernel/%): WEB_SIZE := -Os
$(WEB)/simd/ckks/kernel/fma2/%: WEB_SIZE := -O2
# Copies are instructions there, not calls of themselves.
$(WEB)/obj/unet/web/web_libc.o: WEB_DEFS := -mbulk-memory
# What fma2 has, portable has for engines that round twice.
$(patsubst ckks/%.c,$(WEB)/simd/ckks/%.o,$(filter-out %/words.c %/expand.c,$(wildcard ckks/kernel/portable/*.c))): WEB_SIZE := -Oz
$(WEB)/simd/ckks/kernel/fma2/%: WEB_DEFS := -mrelaxed-simd
$(WEB)/simd/ckks/kernel/select.o: WEB_DEFS := -DCKI_HAVE_FMA2

# And the page as one file to keep; and the npm package @volley/client.  The
# server sends modules as they are compressed here.
web: $(WEB_MODULES) $(WEB_MODULES:=.br) $(WEB_FILES) $(WEB)/volley.html $(WEB)/npm/package.json
	@for m in $(WEB_MODULES); do echo "$$m: $$(wc -c <$$m) bytes, $$(wc -c <$$m.br) with brotli, $$(gzip -9c $$m | wc -c) with gzip -9, SHA-256 $$(sha256sum <$$m | cut -c1-64)"; done
$(WEB)/%.br: $(WEB)/%
	$(call say,BR,$@)node -e 'const fs = require("fs"), z = require("zlib"); const x = fs.readFileSync("$<"); fs.writeFileSync("$@", z.brotliCompressSync(x, { params: { [z.constants.BROTLI_PARAM_LGWIN]: 22, [z.constants.BROTLI_PARAM_SIZE_HINT]: x.length } }));'
$(WEB)/volley.wasm: $(WEB_O)
	$(call say,LD,$@)$(WEB_LD) $(WEB_LESS) $(WEB_LINK) -o $@ $^
$(WEB)/volley-simd.wasm: $(WEB_SIMD_O)
	$(call say,LD,$@)$(WEB_LD) $(WEB_LESS) $(WEB_LINK) -o $@ $^
$(WEB)/simd/%.o: %.c
	@mkdir -p $(@D)
	$(call say,SIMD,$<)$(WEB_CC) $(WEB_TARGET) $(STD) $(WARN) $(WEB_NEWER) $(WEB_SIZE) $(WEB_DEFS) -MMD -MP -c -o $@ $<
# The test vectors, over the same objects.
WEB_VEC_O := $(patsubst %.c,$(WEB)/obj/%.o,$(VEC_SRC)) $(filter-out $(WEB)/obj/unet/web/%,$(WEB_O)) $(WEB)/obj/unet/web/web_system.o
$(WEB)/vectors-check.wasm: $(WEB_VEC_O)
	$(call say,LD,$@)$(WEB_LD) $(WEB_LESS) -o $@ $^
WEB_SIMD_VEC_O := $(call web_simd,$(WEB_VEC_O)) $(WEB_FMA2_O)
$(WEB)/vectors-simd.wasm: $(WEB_SIMD_VEC_O)
	$(call say,LD,$@)$(WEB_LD) $(WEB_LESS) -o $@ $^
$(WEB)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,WASM,$<)$(WEB_CC) $(WEB_TARGET) $(STD) $(WARN) $(WEB_NEWER) $(WEB_SIZE) $(WEB_DEFS) -MMD -MP -c -o $@ $<
$(WEB_FILES): $(WEB)/%: unet/web/%
	@mkdir -p $(@D)
	@cp $< $@
$(WEB)/volley.html: unet/web/pack.py $(WEB_MODULES) $(WEB_FILES)
	$(call say,HTML,$@)python3 $< html $(WEB) $@
$(WEB)/npm/package.json: unet/web/pack.py $(WEB_MODULES) $(WEB_FILES) $(wildcard unet/web/npm/*)
	$(call say,NPM,$(@D))python3 $< npm $(WEB) $(@D) $(VERSION)

# ---- fuzzing (tests/fuzz/README.md) -------------------------------------------

# Portable kernel and built-in FFT: fast to build, and all of it instrumented.
comma     := ,
FUZZ_MAKE = $(MAKE) --no-print-directory ARCH= FFT=builtin HAVE_OMP=0
FUZZ_SAN  := address,undefined,float-cast-overflow
FUZZ_WRAP := $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc aligned_alloc \
  read fread fwrite fflush fsync rename fdopen fopen open_memstream opendir recv sendmsg poll \
  png_create_write_struct png_create_info_struct)
FUZZ_O    := $(call obj,obj,$(filter-out %/fuzzer.c %/replay.c $(if $(HAVE_GMP),,%/offer.c %/talk.c %/frames.c %/greeting.c),$(wildcard tests/fuzz/*.c)) \
  tests/support/model_support.c tests/support/dicom_support.c tests/support/png_oracle.c $(addprefix unet/volley/,$(addsuffix .c,answers common jpeg labels names option_table options picture places sheet)))
FUZZ_LIB  := $(CKKS_O) $(NN_O) $(call obj,obj,$(filter-out unet/revolver/%,$(UNET_SRC)) $(BLIND_SRC))
FUZZ_LINK  = $(CC) $(CFLAGS) $(SANITIZE) $(FUZZ_WRAP) -o $@ $^ $(JPEG_LIBS) $(UNET_LIBS) $(BLIND_LIBS) $(LIBS)
$(B)/obj/tests/fuzz/%.o: DEFS += -Iunet/volley
$(B)/obj/unet/volley/jpeg.o: DEFS += $(JPEG_DEFS)
$(B)/replay: $(FUZZ_O) $(B)/obj/tests/fuzz/replay.o $(FUZZ_LIB)
	$(call say,LD,$@)$(FUZZ_LINK)
$(B)/fuzzer: $(FUZZ_O) $(B)/obj/tests/fuzz/fuzzer.o $(FUZZ_LIB)
	$(call say,LD,$@)$(FUZZ_LINK) -fsanitize=fuzzer

# The corpora and a fixed number of drawn plans and models, ASan and UBSan on.
fuzz-replay:
	$(FUZZ_MAKE) B=build-fuzz CFLAGS="-O1 -g1" SANITIZE="-fsanitize=$(FUZZ_SAN) -fno-sanitize-recover=all" build-fuzz/replay
	build-fuzz/replay tests/fuzz/corpus all $(or $(DRAWS),1000)
# SECONDS a target; TARGET=all: all in turn.
fuzz:
	$(FUZZ_MAKE) B=build-fuzz/clang CC=clang CFLAGS="-O1 -g1" SANITIZE="-fsanitize=$(FUZZ_SAN),fuzzer-no-link -fno-sanitize-recover=all" build-fuzz/clang/fuzzer
	sh tests/fuzz/fuzz.sh build-fuzz/clang/fuzzer $(or $(TARGET),all) $(or $(SECONDS),60)
# Lines of the loaders that the corpora reach; below 95 % of a file is a failure.
fuzz-coverage:
	$(FUZZ_MAKE) B=build-fuzz/coverage CC=clang CFLAGS="-O1 -g1" SANITIZE="-fprofile-instr-generate -fcoverage-mapping" build-fuzz/coverage/replay
	sh tests/fuzz/coverage.sh build-fuzz/coverage/replay
check-web: web $(WEB)/vectors-check.wasm $(WEB)/vectors-simd.wasm $(B)/volley $(B)/forge $(B)/album-dump
	sh tests/scripts/web.sh $(B)

.PHONY: fuzz fuzz-replay fuzz-coverage fuzz-coverage-long clean-fuzz deps-fuzz all examples test check check-layers check-long check-fftw check-mutants check-blind-rows check-vectors vectors check-cross check-seal check-peers check-emulated check-ct check-asan check-ubsan check-verify demo bench study train deps deps-cross deps-ct deps-dicom deps-emulated deps-fftw deps-mpi deps-train deps-web deps-seal web install clean help check-msan check-tsan check-train models-large deps-sanitize mutants mutants-sample
check-long: fuzz-coverage-long
fuzz-coverage-long:
	@if command -v clang >/dev/null; then $(MAKE) fuzz-coverage; else echo "skip coverage of the fuzzers: no clang (make deps-fuzz)"; fi
clean: clean-fuzz
clean-fuzz:
	rm -rf build-fuzz
DEB_FUZZ := clang libclang-rt-14-dev llvm
deps-fuzz:
	@sh tests/scripts/deps.sh "fuzzing" $(DEB_FUZZ)

# ---- models ---------------------------------------------------------------------

train: unet/models/em.safetensors unet/models/gm.safetensors unet/models/mnist.safetensors unet/models/skin.safetensors unet/models/hippocampus.safetensors
unet/models/%.safetensors:
	$(PYTHON) unet/train/train.py $* --data ../shared/data --out $@

# The U-Nets for two parties, of ReLU and then (not gm64) of squares: each up to two
# hours on one core with AVX-512 BF16; what is cut goes on from $(B)/large.
models-large: $(B)/large/em64 $(B)/large/gm64 $(B)/large/hippocampus
$(B)/large/%:
	@mkdir -p $(@D)
	$(PYTHON) unet/train/train.py $* --data ../shared/data --weights $@.pt \
	  --resume $@.state --out unet/models/$*.safetensors
	[ $* = gm64 ] || $(PYTHON) unet/train/train.py $*-squares --data ../shared/data --squares-of $@.pt \
	  --resume $@-squares.state --out unet/models/$*-squares.safetensors
	@touch $@

# The trainer's own rules, folders to a file, and networks of PyTorch exported; two minutes.
check-train: $(B)/volley
	@if $(PYTHON) -c 'import torch' 2>/dev/null; then \
	  $(PYTHON) -B unet/train/test.py && $(PYTHON) -B unet/train/test_own.py && $(PYTHON) -B unet/train/test_fit.py && $(PYTHON) -B unet/train/test_export.py && VOLLEY=$(B)/volley $(PYTHON) -B unet/train/test_networks.py && VOLLEY=$(B)/volley $(PYTHON) -B unet/train/test_blind.py && VOLLEY=$(B)/volley $(PYTHON) -B unet/train/test_encrypted.py && $(PYTHON) -B unet/train/test_cubes.py; \
	else echo "skip check-train: no PyTorch (make deps-train)"; fi
check-long: check-train

# ---- what a fresh machine needs ------------------------------------------------

DEB       := gcc make libc6-dev libgmp-dev libxxhash-dev libpng-dev libjpeg-dev libcurl4-openssl-dev libmicrohttpd-dev valgrind binutils musl-tools python3-numpy python3-nibabel python3-pydicom python3-pil
DEB_DICOM := python3-numpy python3-nibabel python3-pydicom dcm2niix dcmtk libgdcm-tools dicom3tools
DEB_EMULATED := bochs bochs-term bochsbios vgabios grub-pc-bin grub-common xorriso mtools cpio
DEB_FFTW  := libfftw3-dev
DEB_CROSS := $(DEB_FFTW) clang gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-riscv64-linux-gnu libc6-dev-riscv64-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user gcc-arm-none-eabi libnewlib-arm-none-eabi
DEB_MPI   := libopenmpi-dev openmpi-bin
DEB_SANITIZE := clang llvm libclang-rt-dev libomp-dev
DEB_WEB   := wasi-libc clang-19 lld-19 libclang-rt-19-dev-wasm32 nodejs chromium libjpeg-turbo-progs
DEB_TRAIN := python3-torch python3-numpy python3-pil python3-nibabel libopenblas0-serial
deps:
	@sh tests/scripts/deps.sh "building, the demo and the tests" $(DEB)
deps-dicom:
	@sh tests/scripts/deps.sh "all of the tests of DICOM" $(DEB_DICOM)
deps-emulated:
	@sh tests/scripts/deps.sh "the emulated machine" $(DEB_EMULATED)
deps-fftw:
	@sh tests/scripts/deps.sh "the build with FFTW" $(DEB_FFTW)
deps-cross:
	@sh tests/scripts/deps.sh "the vectors on other architectures" $(DEB_CROSS)
deps-ct:
	@sh tests/scripts/deps.sh "constant time" gcc clang binutils valgrind
deps-sanitize:
	@sh tests/scripts/deps.sh "the sanitizers of clang" $(DEB_SANITIZE)
deps-mpi:
	@sh tests/scripts/deps.sh "the command over ranks of mpirun" $(DEB_MPI)
deps-web:
	@sh tests/scripts/deps.sh "the owner's side in a browser" $(DEB_WEB)
deps-train:
	@sh tests/scripts/deps.sh "training" $(DEB_TRAIN)
deps-seal:
	@sh tests/seal/deps.sh

# ---- install ----------------------------------------------------------------------

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 755 $(B)/volley $(DESTDIR)$(PREFIX)/bin/
	install -m 644 ckks/ckks.h ckks/ckks_primitives.h ckks/ckks_seal.h nn/nn.h unet/unet.h $(DESTDIR)$(PREFIX)/include/
	for l in ckks nn unet; do \
	  install -m 644 $(B)/lib$$l.a $(DESTDIR)$(PREFIX)/lib/; \
	  install -m 755 $(B)/lib$$l.so $(DESTDIR)$(PREFIX)/lib/lib$$l.so.0; \
	  ln -sf lib$$l.so.0 $(DESTDIR)$(PREFIX)/lib/lib$$l.so; \
	  sed -e 's|@PREFIX@|$(PREFIX)|g;s|@VERSION@|$(VERSION)|g' \
	      -e 's|@LIBS@|$(LIBS)|g;s|@UNET_LIBS@|$(UNET_LIBS)|g' $$l/lib$$l.pc.in \
	      > $(DESTDIR)$(PREFIX)/lib/pkgconfig/lib$$l.pc; \
	done

clean:
	rm -rf build build-minimal build-asan build-ubsan build-msan build-tsan build-verify build-ct build-fftw

help:
	@echo 'make              libraries, volley, bench, study, examples in $(B)/'
	@echo 'make deps         what building, demo and tests need (Debian); deps-NAME: more'
	@echo 'make web          the owner'"'"'s side for browsers, in $(B)/web (deps-web)'
	@echo 'make demo         segments real images under encryption, in $(B)/demo'
	@echo 'make check        all tests; ends with "N passed, N failed"'
	@echo 'make test ONLY=x  the tests whose name contains x'
	@echo 'make check-NAME   long       their long versions'
	@echo '                  verify     the tests with all invariants compiled in'
	@echo '                  asan ubsan msan tsan  under the sanitizers (deps-sanitize)'
	@echo '                  ct         no jump, address or division by a secret'
	@echo '                  vectors    vectors/ by every kernel, and planted faults'
	@echo '                  cross      the vectors with other compilers and machines'
	@echo '                  emulated   AVX-512 IFMA without it (deps-emulated)'
	@echo '                  mutants    planted faults must be caught'
	@echo '                  blind-rows the large networks of two parties; half an hour'
	@echo '                  train      training and export (deps-train)'
	@echo '                  fftw seal  with FFTW (deps-fftw); with SEAL (deps-seal)'
	@echo '                  peers      SEAL, OpenFHE, Lattigo, JavaScript at hand'
	@echo 'make mutants      COUNT=1000 SEED=1: operators of ckks/ changed; an hour'
	@echo 'make fuzz         SECONDS=n TARGET=x|all (deps-fuzz); fuzz-replay, -coverage'
	@echo 'make vectors      writes the test vectors anew'
	@echo 'make bench        times beside the limits of this machine; minutes'
	@echo 'make study        classifiers by many packings, docs/cnn.md (DATA=folder)'
	@echo 'make train        trains the models (deps-train; data in ../shared/data)'
	@echo 'make models-large the U-Nets of 64 to 512 channels; hours'
	@echo 'make MINIMAL=1    build-minimal/libckks.a from a C11 compiler and libm alone'
	@echo 'make MPI=1        volley evaluate shares sets under mpirun (deps-mpi)'
	@echo 'make install      PREFIX=$(PREFIX): libraries, headers, pkg-config, volley'
	@echo 'docs/contributing.md says more.  V=1 prints whole commands.'

.SECONDARY:
