# phoenix_embed(phoenix_runtime runtime/admin/page_parts.h phoenix::admin
#               kPageHtml runtime/admin/page/index.html ...)
#
# Puts text files into a library: generates a source that defines each name, which the header
# declares as `extern const std::string_view`, in that namespace. Made again when a file changes.
# Run as a script (cmake -P), this file is what writes the source.

if(CMAKE_SCRIPT_MODE_FILE)
  set(text "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
  string(REPLACE "|" ";" pairs "${PAIRS}")
  list(LENGTH pairs length)
  math(EXPR last "${length} - 1")
  foreach(i RANGE 0 ${last} 2)
    math(EXPR next "${i} + 1")
    list(GET pairs ${i} name)
    list(GET pairs ${next} path)
    file(READ "${path}" content)
    string(APPEND text "const std::string_view ${name} = R\"phoenix:(${content})phoenix:\";\n")
  endforeach()
  file(WRITE "${OUTPUT}" "${text}}  // namespace ${NAMESPACE}\n")
  return()
endif()

set(PHOENIX_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(phoenix_embed target header namespace)
  string(REGEX REPLACE "\\.h$" ".cc" output "${PROJECT_BINARY_DIR}/generated/${header}")
  get_filename_component(folder ${output} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  set(pairs "")
  set(files "")
  while(ARGN)
    list(POP_FRONT ARGN name file)
    get_filename_component(file ${file} ABSOLUTE BASE_DIR ${PROJECT_SOURCE_DIR})
    list(APPEND pairs ${name} ${file})
    list(APPEND files ${file})
  endwhile()
  string(REPLACE ";" "|" pairs "${pairs}")
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DHEADER=${header} -DNAMESPACE=${namespace} "-DPAIRS=${pairs}"
            -DOUTPUT=${output} -P ${PHOENIX_EMBED_SCRIPT}
    DEPENDS ${files} ${PHOENIX_EMBED_SCRIPT}
    COMMENT "Embedding files for ${header}"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
