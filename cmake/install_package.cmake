# What stands beside the generated messages: Python sources, node executables, shared files.
#
# ament_python_install_package() cannot be used here: rosidl calls it for the generated Python
# package, which has the same name. Installing the folder over the generated one does the job;
# generated files that a source checkout may contain (pip install -e) are left out.

install(DIRECTORY mesh_pose_ros/
  DESTINATION ${PYTHON_INSTALL_DIR}/${PROJECT_NAME}
  PATTERN "__pycache__" EXCLUDE
  PATTERN "*.pyc" EXCLUDE
  PATTERN "*.so" EXCLUDE
  PATTERN "msg/*" EXCLUDE  # no REGEX: colcon --symlink-install copies where it meets one
)

install(PROGRAMS
  scripts/mesh_pose_node
  scripts/recorder
  scripts/replay
  DESTINATION lib/${PROJECT_NAME}  # where ros2 run looks
)
install(PROGRAMS scripts/mesh_pose DESTINATION bin)

foreach(_folder IN ITEMS config demo launch models)
  if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${_folder}")
    install(DIRECTORY ${_folder}
      DESTINATION share/${PROJECT_NAME}
      PATTERN "__pycache__" EXCLUDE
    )
  endif()
endforeach()
