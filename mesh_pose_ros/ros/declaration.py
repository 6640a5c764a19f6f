"""The table of parameters as ROS parameters of a node."""

from __future__ import annotations

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from mesh_pose_ros.ros.parameters import BY_NAME, PARAMETERS, Parameter, Value


def declare(node: Node) -> dict[str, Value]:
    """
    Declare all parameters and read what the user gave.

    :raises ValueError: a value cannot be
    :raises rclpy.exceptions.ParameterException: the same, found by rclpy
    """
    for parameter in PARAMETERS:
        node.declare_parameter(parameter.name, parameter.default, descriptor(parameter))
    values = {p.name: node.get_parameter(p.name).value for p in PARAMETERS}
    complaints = [BY_NAME[name].complaint(value) for name, value in values.items()]
    if any(complaints):
        raise ValueError('; '.join(filter(None, complaints)))
    return values


def descriptor(parameter: Parameter) -> ParameterDescriptor:
    """What tools show of a parameter, and what rclpy checks by itself."""
    made = ParameterDescriptor(description=parameter.description)
    made.additional_constraints = parameter.domain
    if parameter.kind == 'integer':
        bounds = IntegerRange(from_value=int(parameter.low), to_value=int(parameter.high), step=1)  # type: ignore[arg-type]
        made.integer_range = [bounds]
    elif parameter.kind == 'double':
        made.floating_point_range = [
            FloatingPointRange(from_value=float(parameter.low), to_value=float(parameter.high))  # type: ignore[arg-type]
        ]
    return made
