"""Reads a berth plan with a library that is found by name when it runs."""
import ctypes

xml = ctypes.CDLL(".so.".join(["libxml2", "2"]))
xml.xmlReadMemory.restype = ctypes.c_void_p
plan = b"<plan><berth/></plan>"
document = xml.xmlReadMemory(plan, len(plan), b"plan.xml", None, 0)
print("the plan is well formed" if document else "the plan is broken")
