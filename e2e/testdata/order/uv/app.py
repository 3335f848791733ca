import click


@click.command()
def main():
    click.echo("high water at noon")


main()
