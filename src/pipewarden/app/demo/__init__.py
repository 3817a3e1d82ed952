"""The demonstration: real commands and a real closed loop, on people and papers that it invents."""
