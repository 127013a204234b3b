# While a process holds a spin lock, others burn their processors, and an error would leave it locked for ever: so nothing is
# called then but what only copies and compares.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

my %harmless = map { $_ => 1 } qw(if sizeof Max Min strlcpy flow_counts_add comes_before);
my $sections = 0;

foreach my $file (glob('*.c'), glob('*/*.c'))
{
	my $text = slurp_file($file);
	my ($acquired, $released) = (0, 0);

	$text =~ s{/\*.*?\*/}{}gs;
	$acquired++ while $text =~ /\bSpinLockAcquire\(/g;
	while ($text =~ /\bSpinLockAcquire\([^;]*\);(.*?)\bSpinLockRelease\(/gs)
	{
		my $section = $1;

		$released++;
		is(join(' ', grep { !$harmless{$_} } $section =~ /\b(\w+)\s*\(/g), '', "$file: nothing is called between SpinLockAcquire and SpinLockRelease");
		unlike($section, qr/\b(?:return|goto|while|for)\b/, "$file: and the lock is released soon");
	}
	is($released, $acquired, "$file: each SpinLockAcquire has a SpinLockRelease") if $acquired > 0;
	$sections += $released;
}
cmp_ok($sections, '>', 5, "there are $sections such sections");
done_testing();
