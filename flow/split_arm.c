typedef int flow_split_arm_is_empty;
