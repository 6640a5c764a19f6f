# Include folders that belong to one machine, taken out of CMake targets.
#
# The ROS 2 wheels on PyPI export targets that carry folders of the machine they were built on
# (Python's and numpy's headers under /opt/python/...). CMake refuses a target whose include
# folder does not exist, so such folders are dropped from the imported targets; this project
# finds the headers itself. On a ROS installation whose folders all exist nothing changes. No
# installed file is touched.

get_property(_targets DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(_target IN LISTS _targets)
  get_target_property(_folders ${_target} INTERFACE_INCLUDE_DIRECTORIES)
  if(NOT _folders)
    continue()
  endif()
  set(_existing "")
  foreach(_folder IN LISTS _folders)
    # a generator expression is no path yet and stays as it is
    if(_folder MATCHES "^\\$<" OR EXISTS "${_folder}")
      list(APPEND _existing "${_folder}")
    endif()
  endforeach()
  set_target_properties(${_target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_existing}")
endforeach()

# The same trouble must not leave with this package's own messages: the headers of Python and
# numpy are for building the library, whoever links to it has headers of its own.
function(keep_python_headers_private)
  set(_target ${PROJECT_NAME}__rosidl_generator_py)
  get_target_property(_folders ${_target} INTERFACE_INCLUDE_DIRECTORIES)
  set_target_properties(${_target} PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "$<BUILD_INTERFACE:${_folders}>")
endfunction()
