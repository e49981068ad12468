# SPDX-License-Identifier: BSL-1.0
# How holdfast's own targets are compiled. Not installed: nobody else's build is our business.

# holdfast_target_defaults(<target>): warnings, hidden symbols, no extensions.
function(holdfast_target_defaults target)
  set_target_properties(${target} PROPERTIES
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang" AND NOT MSVC)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
    if(HOLDFAST_WERROR)
      target_compile_options(${target} PRIVATE -Werror)
    endif()
  endif()
  if(MSVC)   # also clang-cl
    # The sources are UTF-8 and standard C++; nothing thrown leaves an extern "C" function (W-105), as /EHsc assumes.
    target_compile_options(${target} PRIVATE /EHsc /permissive- /utf-8 /Zc:__cplusplus /bigobj)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "MSVC")
    target_compile_options(${target} PRIVATE /W4)
    if(HOLDFAST_WERROR)
      target_compile_options(${target} PRIVATE /WX)
    endif()
  endif()
  if(MINGW)
    # A DLL then holds what it uses (see holdfast_add_agent), not all that its libraries have.
    target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
    target_compile_options(${target} PRIVATE -Wa,-mbig-obj)   # Asio overflows the section count of plain COFF at -O0
  endif()
endfunction()

# Sanitizers hold for every target below the caller's folder, or their runtimes meet code they cannot see.
if(HOLDFAST_SANITIZE)
  add_compile_options(-fsanitize=${HOLDFAST_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HOLDFAST_SANITIZE})
  if(HOLDFAST_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  if(HOLDFAST_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC warns that atomic_thread_fence is not modelled; Asio uses one, and runs clean.
    add_compile_options(-Wno-tsan)
  endif()
  if(HOLDFAST_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With its checks in between, GCC sees uninitialised members in std::regex where there are none (GCC bug 105562).
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()
if(HOLDFAST_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang" OR MSVC)
    message(FATAL_ERROR "HOLDFAST_FUZZ needs libFuzzer, that is clang: cmake --preset fuzz")
  endif()
  # Every library tells libFuzzer where it has been; the targets bring the engine and its main (tests/fuzz).
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
