package bulk

const crashEnv = "DRYDOCK_CRASH_TEST"

func crashHelper() {}
