# Compiler flags as targets: link `tradewire_flags` (our own code) and nothing global is set.
# Generated protobuf code is its own target without these.

option(TRADEWIRE_WERROR "warnings are errors (preset ci)" OFF)
set(TRADEWIRE_SANITIZE "" CACHE STRING "value for -fsanitize=, empty for none")

add_library(tradewire_flags INTERFACE)
target_compile_features(tradewire_flags INTERFACE c_std_17)
target_compile_definitions(tradewire_flags INTERFACE _GNU_SOURCE TRADEWIRE_VERSION="${PROJECT_VERSION}")
target_compile_options(tradewire_flags INTERFACE
    -std=gnu17 -g -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wvla -Wundef -Wstrict-prototypes
    -Wmissing-prototypes -Wnull-dereference -Wcast-qual -Wwrite-strings
    -Wpointer-arith -Wimplicit-fallthrough
    $<$<C_COMPILER_ID:GNU>:-Wlogical-op;-Wduplicated-cond>
    $<$<BOOL:${TRADEWIRE_WERROR}>:-Werror>)

# Sanitizers must reach every object that is linked, the generated ones too.
add_library(tradewire_sanitize INTERFACE)
if(TRADEWIRE_SANITIZE)
    target_compile_options(tradewire_sanitize INTERFACE
        -fsanitize=${TRADEWIRE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
    target_link_options(tradewire_sanitize INTERFACE -fsanitize=${TRADEWIRE_SANITIZE})
endif()
target_link_libraries(tradewire_flags INTERFACE tradewire_sanitize)
if(TRADEWIRE_SANITIZE STREQUAL "thread")
    # A shared library, found before libc when librdkafka looks for thrd_create.
    add_library(tsan_threads SHARED ${CMAKE_CURRENT_LIST_DIR}/tsan_threads.c)
    target_link_options(tradewire_sanitize INTERFACE -Wl,--no-as-needed)
    target_link_libraries(tradewire_sanitize INTERFACE tsan_threads)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set(CMAKE_C_FLAGS_RELEASE "-O2")
    target_compile_options(tradewire_flags INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
        -fcf-protection -fPIE)
    target_link_options(tradewire_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
