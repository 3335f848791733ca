//go:build e2e

package e2e

func init() {
	cases["multi-stage/php-composer"] = chainCase{paths: []string{"/3", "/build/board.css", "/nowhere"}, factor: 1.05, root: true}
	for _, name := range []string{"composer-mounted", "extensions", "laravel", "service"} {
		cases["multi-stage/php-"+name] = chainCase{unbuilt: "the lab's PHP is Debian's, without docker-php-ext-install"}
	}
	cases["multi-stage/php-nodesource-assets"] = chainCase{unbuilt: "the lab reaches no repository of NodeSource"}
}
