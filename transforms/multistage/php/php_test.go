package php_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/transforms/multistage/splittest"
)

const phpCmd = "CMD [\"php\", \"server.php\"]\n"

func phpApp(dockerfile string) map[string]string {
	return map[string]string{"Dockerfile": dockerfile, "composer.json": "{\"require\": {\"psr/log\": \"^3.0\"}}\n", "server.php": "<?php\necho 1;\n", "x.ini": "memory_limit = 1G\n", "deploy.sh": "#!/bin/sh\nphp server.php\n"}
}

const phpCopies = "COPY --from=builder /usr/local/lib/php/extensions /usr/local/lib/php/extensions\nCOPY --from=builder /usr/local/etc/php/conf.d /usr/local/etc/php/conf.d\n"

func TestPHP(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"extensions and their libraries", "FROM php:8.3-cli-bookworm\nRUN apt-get update && apt-get install -y libzip-dev libmagickwand-dev && docker-php-ext-install zip\nRUN pecl install imagick && docker-php-ext-enable imagick\nWORKDIR /app\nCOPY server.php .\n" + phpCmd,
			"FROM php:8.3-cli-bookworm\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends libzip4 libmagickwand-6.q16-6 libmagickcore-6.q16-6-extra && \\\n    rm -rf /var/lib/apt/lists/*\n" + phpCopies + "WORKDIR /app\nCOPY server.php .\n" + phpCmd},
		{"settings beside an extension come with it", "FROM php:8.3-cli-bookworm\nRUN apt-get update && apt-get install -y libicu-dev\nCOPY x.ini /usr/local/etc/php/conf.d/\nRUN docker-php-ext-install intl\nRUN echo 'intl.default_locale=en' > /usr/local/etc/php/conf.d/intl.ini\nCOPY server.php /app/\nWORKDIR /app\n" + phpCmd,
			"FROM php:8.3-cli-bookworm\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends libicu72 && \\\n    rm -rf /var/lib/apt/lists/*\n" + phpCopies + "RUN echo 'intl.default_locale=en' > /usr/local/etc/php/conf.d/intl.ini\nCOPY server.php /app/\nWORKDIR /app\n" + phpCmd},
		{"Composer as its home page tells", "FROM php:8.3-cli-bookworm\nRUN php -r \"copy('https://getcomposer.org/installer', 'composer-setup.php');\" && php composer-setup.php && php -r \"unlink('composer-setup.php');\"\nRUN mv composer.phar /usr/local/bin/composer\nWORKDIR /app\nCOPY . .\nRUN composer install\n" + phpCmd,
			"FROM php:8.3-cli-bookworm\nWORKDIR /app\nCOPY --from=builder /app /app\n" + phpCmd},
		{"Composer and its install in one RUN", "FROM php:8.3-cli-bookworm\nWORKDIR /app\nCOPY . .\nRUN php -r \"copy('https://getcomposer.org/installer', 'composer-setup.php');\" && php composer-setup.php && php composer.phar install\n" + phpCmd, ""},
		{"Apache is set up again", "FROM php:8.3-apache-bookworm\nRUN apt-get update && apt-get install -y libpq-dev && docker-php-ext-install pdo_pgsql && a2enmod rewrite headers && mv \"$PHP_INI_DIR/php.ini-production\" \"$PHP_INI_DIR/php.ini\"\nCOPY . /var/www/html\n",
			"FROM php:8.3-apache-bookworm\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends libpq5 && \\\n    rm -rf /var/lib/apt/lists/*\n" + phpCopies + "RUN a2enmod rewrite headers && \\\n    mv \"$PHP_INI_DIR/php.ini-production\" \"$PHP_INI_DIR/php.ini\"\nCOPY . /var/www/html\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := splittest.Files(t, phpApp(c.body))
			_, runtime, _ := strings.Cut(res.After, "\n\n")
			if c.want == "" && res.Changed() {
				t.Errorf("changed:\n%s", res.After)
			}
			if d := cmp.Diff(c.want, strings.ReplaceAll(runtime, "\n\n", "\n")); d != "" {
				t.Errorf("(-want +got)\n%s\ndeclined: %s", d, splittest.Reasons(res))
			}
		})
	}
}

func TestPHPDeclines(t *testing.T) {
	apt := "FROM php:8.3-cli-bookworm\nRUN apt-get update && apt-get install -y git libzip-dev\n"
	for _, c := range []struct{ dockerfile, want string }{
		{apt + "RUN docker-php-ext-install zip\nRUN make\n" + phpCmd, "the effects of make"},
		{apt + "RUN docker-php-ext-install zip\nCOPY --from=busybox /bin/busybox /bin/\n" + phpCmd, "it copies from busybox"},
		{apt + "WORKDIR /app\nCOPY . .\nRUN composer global require laravel/installer\n" + phpCmd, "composer global"},
		{apt + "WORKDIR /app\nCOPY . .\nRUN composer install && php artisan migrate\n" + phpCmd, "where artisan migrate writes isn't known"},
		{apt + "WORKDIR /var\nCOPY . .\nRUN composer install\n" + phpCmd, "give it a WORKDIR"},
		{apt + "WORKDIR /app\nCOPY . .\nRUN composer install -d /other\n" + phpCmd, "Composer works in another folder"},
		{apt + "RUN docker-php-ext-install zip\n", "no CMD or ENTRYPOINT"},
		{"FROM php:8.3-cli-bookworm\nRUN apt-get update && apt-get install -y librrd-dev && pecl install rrd\n" + phpCmd, "librrd-dev"},
		// said nothing: it saves nothing, or the RUN cleans up itself
		{"FROM php:8.3-cli-bookworm\nRUN docker-php-ext-install pdo_mysql\n" + phpCmd, ""},
		{"FROM php:8.3-cli-alpine\nRUN apk add --no-cache --virtual .build-deps libzip-dev && docker-php-ext-install zip && apk del .build-deps\n" + phpCmd, ""},
		{"FROM php:8.3-cli-bookworm\nRUN apt-get update && apt-get install -y libzip-dev && docker-php-ext-install zip && apt-get purge -y --auto-remove libzip-dev\n" + phpCmd, ""},
	} {
		res := splittest.Files(t, phpApp(c.dockerfile))
		if res.Changed() || !strings.Contains(splittest.Reasons(res), c.want) || c.want == "" && splittest.Reasons(res) != "" {
			t.Errorf("%s\nchanged: %v\ndeclined with %q, want %q", c.dockerfile, res.Changed(), splittest.Reasons(res), c.want)
		}
	}
}

// What a script or the source calls stays in the image.
func TestPHPKeepsPrograms(t *testing.T) {
	body := "FROM php:8.3-cli-bookworm\nRUN apt-get update && apt-get install -y git unzip\nCOPY --from=composer:2 /usr/bin/composer /usr/bin/composer\nWORKDIR /app\nCOPY . .\nRUN composer install\n" + phpCmd
	files := phpApp(body)
	files["deploy.sh"] = "#!/bin/sh\ncomposer install\n"
	files["server.php"] = "<?php\necho shell_exec('git log -1');\n"
	res := splittest.Files(t, files)
	for _, want := range []string{"apt-get install -y git &&", "\nCOPY --from=composer:2 /usr/bin/composer /usr/bin/composer\nWORKDIR /app\nCOPY --from=builder /app /app\n"} {
		if !strings.Contains(res.After, want) {
			t.Errorf("%q isn't in\n%s\ndeclined: %s", want, res.After, splittest.Reasons(res))
		}
	}
}
