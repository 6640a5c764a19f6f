# tf2_msgs is part of every ROS installation but has no wheel on PyPI. Where it is missing it is
# generated from its one message here and installed beside this package. A build of its own,
# because an ament package cannot contain another one.

include(ExternalProject)

set(_tf2_msgs_prefix "${CMAKE_CURRENT_BINARY_DIR}/tf2_msgs")
ExternalProject_Add(tf2_msgs
  SOURCE_DIR "${CMAKE_CURRENT_SOURCE_DIR}/cmake/tf2_msgs"
  BINARY_DIR "${_tf2_msgs_prefix}/build"
  STAMP_DIR "${_tf2_msgs_prefix}/stamp"
  TMP_DIR "${_tf2_msgs_prefix}/tmp"
  INSTALL_DIR "${_tf2_msgs_prefix}/install"
  CMAKE_ARGS
    -DCMAKE_INSTALL_PREFIX=<INSTALL_DIR>
    -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}
    -DBUILD_TESTING=OFF
    -DPython3_EXECUTABLE=${Python3_EXECUTABLE}
    "-DREPAIR=${CMAKE_CURRENT_SOURCE_DIR}/cmake/repair_includes.cmake"
)
install(DIRECTORY "${_tf2_msgs_prefix}/install/" DESTINATION . USE_SOURCE_PERMISSIONS)
