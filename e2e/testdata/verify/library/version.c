#include <libxml/parser.h>
#include <stdio.h>

int main(void) {
	xmlDocPtr doc = xmlReadMemory("<berth n=\"4\"/>", 14, "berth.xml", NULL, 0);
	printf("root element: %s\n", xmlDocGetRootElement(doc)->name);
	return 0;
}
