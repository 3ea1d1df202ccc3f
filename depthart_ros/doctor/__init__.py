"""What `depthart doctor` looks at: the machine, the model, the parameters, and a running graph."""
