# Answers with the longest berth that is free.
use strict;
use warnings;
use IO::Socket::INET;

my $port = $ENV{PORT} // 8080;
my $listen = IO::Socket::INET->new(LocalPort => $port, Listen => 8, ReuseAddr => 1) or die "port $port: $!";
$| = 1;
print "listening on $port\n";
$SIG{TERM} = sub { exit 0 };
while (my $client = $listen->accept) {
    while (my $line = <$client>) { last if $line =~ /^\r?$/ }
    my $body = `berths | jq -r 'max_by(.metres) | "\\(.berth) \\(.metres) m"'`;
    my $code = $? ? '500 Internal Server Error' : '200 OK';
    print $client "HTTP/1.1 $code\r\nContent-Type: text/plain\r\nContent-Length: ", length $body, "\r\nConnection: close\r\n\r\n", $body;
    close $client;
}
