# SPDX-License-Identifier: MIT
# The Node-API addon, for those who build with cmake-js (npm run build:cmake). node-gyp builds the same
# from binding.gyp. Included by ../CMakeLists.txt when cmake-js drives it, or with FAKEDIRTY_ADDON.

find_program(NODE node REQUIRED)
function(fakedirty_find_headers variable package)
  execute_process(COMMAND ${NODE} --print "require('${package}').include_dir"
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    OUTPUT_VARIABLE directory OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(${variable} ${directory} PARENT_SCOPE)
endfunction()

fakedirty_find_headers(NODE_ADDON_API_INC node-addon-api)
if(NOT CMAKE_JS_INC)
  fakedirty_find_headers(CMAKE_JS_INC node-api-headers)
  # Laid out as a package is: FAKEDIRTY_PREBUILD=<build directory>/addon makes Node load this one.
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/addon/build/Release)
endif()

file(STRINGS sources.txt addon_sources REGEX "^addon/")
add_library(fakedirty_addon MODULE ${addon_sources} ${objects} ${CMAKE_JS_SRC})
fakedirty_compile_settings(fakedirty_addon)
target_compile_definitions(fakedirty_addon PRIVATE NAPI_VERSION=9
  # Why: binding.gyp.
  NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS NODE_ADDON_API_DISABLE_DEPRECATED NODE_ADDON_API_ENABLE_MAYBE
  NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
target_include_directories(fakedirty_addon SYSTEM PRIVATE ${NODE_ADDON_API_INC} ${CMAKE_JS_INC})
target_link_libraries(fakedirty_addon PRIVATE ${CMAKE_JS_LIB})
target_link_options(fakedirty_addon PRIVATE
  -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/addon/exports.map
  -Wl,-z,now -Wl,-z,nodelete)  # why: binding.gyp
set_target_properties(fakedirty_addon PROPERTIES PREFIX "" OUTPUT_NAME fakedirty SUFFIX ".node"
  LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/addon/exports.map)
