# One helper each for libraries, tests and benchmarks, so that every target gets the same treatment.

add_library(phoenix_warnings INTERFACE)
target_compile_options(phoenix_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                                  -Werror)

# The compiler collects garbage less often: a tenth of its time for 50 MB more of memory.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options("SHELL:--param ggc-min-heapsize=1000000")
endif()

if(PHOENIX_SANITIZE)
  add_compile_options(-fsanitize=${PHOENIX_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer
                      -Wno-maybe-uninitialized)  # g++ 12 sees ghosts in instrumented std::regex
  add_link_options(-fsanitize=${PHOENIX_SANITIZE})
endif()

# What a record says of its origin. Asked at configure time; a tree without git says "unknown".
find_package(Git QUIET)
set(PHOENIX_REVISION "unknown")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12
                  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE PHOENIX_REVISION
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()

# Precompiled, the standard library is not exempt from warnings any more, and g++ 12 sees ghosts in
# std::string.
set(phoenix_ghosts -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
                   -Wno-stringop-overread)

# What nearly every file includes, compiled once a library: a third of the time of a small file.
set(phoenix_common_headers <algorithm> <chrono> <functional> <map> <memory> <optional> <span>
                           <string> <string_view> <unordered_map> <utility> <variant> <vector>)

# phoenix_library(strategies DEPENDS ...): every .cc below strategies/, except command-line mains
# and plug-ins, which are programs and shared objects of their own. HEAVY: further headers worth it.
function(phoenix_library folder)
  cmake_parse_arguments(ARG "" "" "DEPENDS;HEAVY" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/(cli|plugins)/")
  add_library(phoenix_${folder} STATIC ${sources})
  target_include_directories(phoenix_${folder} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(phoenix_${folder} PUBLIC ${ARG_DEPENDS} PRIVATE phoenix_warnings)
  target_precompile_headers(phoenix_${folder} PRIVATE ${phoenix_common_headers} ${ARG_HEAVY})
  target_compile_options(phoenix_${folder} PRIVATE ${phoenix_ghosts})
endfunction()

# phoenix_headers(phoenix_program_headers HEADERS ... DEPENDS ...): headers that several targets with
# the same options include, compiled once.
function(phoenix_headers name)
  cmake_parse_arguments(ARG "" "" "HEADERS;DEPENDS;OPTIONS" ${ARGN})
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} phoenix_warnings)
  target_compile_options(${name} PRIVATE ${phoenix_ghosts} ${ARG_OPTIONS})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
endfunction()

# phoenix_program(phoenix sim/cli/main.cc ... DEPENDS ...): a command line, read by Boost.
function(phoenix_program name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  if(NOT TARGET phoenix_program_headers)
    phoenix_headers(phoenix_program_headers HEADERS ${phoenix_common_headers} <boost/program_options.hpp>
                    DEPENDS phoenix_scenarios Boost::program_options)
  endif()
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} Boost::program_options phoenix_warnings)
  target_compile_options(${name} PRIVATE ${phoenix_ghosts})
  target_precompile_headers(${name} REUSE_FROM phoenix_program_headers)
endfunction()

# Tests themselves are not optimised: that takes longer than running them.
set(phoenix_test_options $<$<CONFIG:Release>:-O0>)

# phoenix_test(strategies/p2c_test.cc DEPENDS ...): an executable, its cases known to ctest one by one.
# SERIAL at the end: no other test runs meanwhile.
function(phoenix_test source)
  cmake_parse_arguments(ARG "SERIAL" "" "DEPENDS" ${ARGN})
  string(REPLACE "/" "_" name ${source})
  string(REGEX REPLACE "\\.cc$" "" name ${name})
  get_filename_component(folder ${source} DIRECTORY)
  add_executable(${name} ${source})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gmock GTest::gtest_main
                                        phoenix_warnings)
  target_precompile_headers(${name} REUSE_FROM phoenix_test_headers)
  target_compile_options(${name} PRIVATE ${phoenix_ghosts} ${phoenix_test_options})
  target_compile_definitions(${name} PRIVATE PHOENIX_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(${name} TEST_PREFIX "${folder}." DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT 300 RUN_SERIAL ${ARG_SERIAL})
endfunction()

# phoenix_bench(balancer_bench.cc DEPENDS ...)
function(phoenix_bench source)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  string(REGEX REPLACE "\\.cc$" "" name ${source})
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} benchmark::benchmark phoenix_warnings)
  target_compile_definitions(${name} PRIVATE PHOENIX_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endfunction()
