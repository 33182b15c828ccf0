#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Turns the flattened format on standard input into a dump file, where makedumpfile itself is not at hand.
#
#	makedumpfile-R.pl DUMPFILE < STREAM
#
# The header is written last: a stream that is cut leaves a file that is no dump.

use strict;
use warnings;
use Fcntl qw(O_RDWR O_CREAT O_TRUNC SEEK_SET);
use IO::Handle;

my $START  = 4096;          # length of the block that a stream begins with
my $HEAD   = 464;           # no main header is longer
my $PIECE  = 262144;
my $BLOCK  = 4096;          # blocks of zeros become holes
my $ZEROES = "\0" x $BLOCK;

my ($head, $length, $high) = ("", 0, 0);

sub fail
{
	print STDERR "makedumpfile-R.pl: $_[0]\n";
	print "Failed.\n";
	exit 1;
}

# Exactly so many bytes: what comes behind the end of the stream is not ours.
sub read_exactly
{
	my ($len) = @_;
	my $data = "";

	while (length($data) < $len) {
		my $n = sysread(STDIN, $data, $len - length($data), length($data));

		next if !defined($n) && $!{EINTR};
		fail("standard input: $!") if !defined($n);
		fail("the stream on standard input is cut off") if $n == 0;
	}
	return $data;
}

# A number of 64 bits, big endian; undef if it is negative.
sub number
{
	my ($upper, $lower) = unpack("N2", $_[0]);

	return $upper & 0x80000000 ? undef : $upper * 4294967296 + $lower;
}

sub write_at
{
	my ($pos, $data) = @_;
	my $done = 0;

	return if $data eq "";
	defined(sysseek(OUT, $pos, SEEK_SET)) or fail("cannot seek: $!");
	while ($done < length($data)) {
		my $n = syswrite(OUT, $data, length($data) - $done, $done);

		next if !defined($n) && $!{EINTR};
		fail("cannot write: " . ($! || "no space left")) if !$n;
		$done += $n;
	}
}

# Bytes of the dump.  Behind all that was written so far, zeros are there already.
sub put
{
	my ($pos, $data) = @_;
	my ($from, $at) = (0, 0);

	$length = $pos + length($data) if $length < $pos + length($data);
	if ($pos < $HEAD) {
		my $n = length($data) < $HEAD - $pos ? length($data) : $HEAD - $pos;

		$head .= "\0" x ($pos + $n - length($head)) if length($head) < $pos + $n;
		substr($head, $pos, $n) = substr($data, 0, $n);
		$from = $at = $n;
	}
	while ($at < length($data)) {
		my $n = $BLOCK - ($pos + $at) % $BLOCK;

		$n = length($data) - $at if $n > length($data) - $at;
		if ($pos + $at >= $high && substr($data, $at, $n) eq substr($ZEROES, 0, $n)) {
			write_at($pos + $from, substr($data, $from, $at - $from));
			$from = $at + $n;
		}
		$at += $n;
	}
	write_at($pos + $from, substr($data, $from));
	$high = $pos + $at if $high < $pos + $at;
}

if (@ARGV != 1 || $ARGV[0] eq "-h" || $ARGV[0] eq "--help") {
	print "Usage: makedumpfile-R.pl DUMPFILE < STREAM\n";
	exit(@ARGV == 1 ? 0 : 1);
}
my $name = $ARGV[0];

binmode(STDIN);
STDOUT->autoflush(1);
sysopen(OUT, $name, O_RDWR | O_CREAT | O_TRUNC, 0600) or die "makedumpfile-R.pl: cannot open $name: $!\n";
# what is not written there would be something old
-f OUT or die "makedumpfile-R.pl: $name is not a regular file\n";
binmode(OUT);
print "Start re-arranging dump data to $name.\n";

my $start = read_exactly($START);
fail("standard input is no flattened dump")
	if unpack("Z16", $start) ne "makedumpfile" || (number(substr($start, 16, 8)) // 0) != 1;

my $record = read_exactly(16);
while ($record ne "\xff" x 16) {
	my ($pos, $left) = (number(substr($record, 0, 8)), number(substr($record, 8, 8)));

	fail("the stream on standard input is broken") if !defined($pos) || !$left;
	while ($left > 0) {
		my $n = $left < $PIECE ? $left : $PIECE;

		put($pos, read_exactly($n));
		$pos += $n;
		$left -= $n;
	}
	$record = read_exactly(16);
}
truncate(OUT, $length) or fail("cannot set the length: $!");
OUT->sync or fail("cannot sync: $!");
write_at(0, $head);
OUT->sync or fail("cannot sync: $!");
close(OUT) or fail("cannot close: $!");
print "The dumpfile is saved to $name.\n\nCompleted.\n";
