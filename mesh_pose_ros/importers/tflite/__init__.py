"""TFLite files as ONNX graphs, without TensorFlow."""
