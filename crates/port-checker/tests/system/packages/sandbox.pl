# Tries what a program that was taken over would try, and prints for each what came of it: "done", or the error.
use strict;
use warnings;

my %number = (mount => 165, ptrace => 101, reboot => 169, setuid => 105, unshare => 272);
%number = (mount => 40, ptrace => 117, reboot => 142, setuid => 146, unshare => 97) if `/usr/bin/uname -m` =~ /aarch64/;

sub report {
    my ($name, $done) = @_;
    my @error = grep { $!{$_} } grep { !/WOULDBLOCK|NOTSUP$/ } keys %!;
    print "$name: ", $done ? "done" : $error[0], "\n";
}

sub system_call {
    my ($name, $call, @arguments) = @_;
    $! = 0;
    report($name, syscall($number{$call}, @arguments) == 0);
}

# Address families: family, type, protocol.
my %socket = (
    'an IPv4 socket' => [2, 1, 0],
    'an IPv6 socket' => [10, 1, 0],
    'a socket of Unix' => [1, 1, 0],
    'a netlink socket' => [16, 3, 0],
    'a packet socket' => [17, 3, 0],
    'a socket of a virtual machine' => [40, 1, 0],
    'a raw socket' => [2, 3, 1],
);
report($_, socket(my $socket, $socket{$_}[0], $socket{$_}[1], $socket{$_}[2])) for sort keys %socket;

for my $file (qw(/etc/new /usr/new /var/lib/new /root/new /home/new /run/new /sys/kernel/new /tmp/new)) {
    report("write $file", open(my $handle, '>', $file));
}
for my $file (qw(/etc/shadow /root/.bashrc /proc/1/environ /proc/meminfo /dev/kmsg /tmp/of-others)) {
    report("read $file", open(my $handle, '<', $file));
}

# Other programs, also one that it brings along.
open(my $script, '>', '/tmp/brought') or die;
print $script "#!/usr/bin/perl\n";
close $script;
chmod 0755, '/tmp/brought';
for my $program (qw(/usr/bin/sh /usr/bin/curl /tmp/brought)) {
    no warnings 'exec';
    # It returns only if it failed.
    exec { $program } $program or report("start $program", 0);
}

system_call('a user namespace', 'unshare', 0x10000000);
system_call('a mount namespace', 'unshare', 0x00020000);
system_call('a network namespace', 'unshare', 0x40000000);
system_call('become root', 'setuid', 0);
system_call('mount', 'mount', my $source = 'tmpfs', my $target = '/tmp', my $type = 'tmpfs', 0, 0);
system_call('trace systemd', 'ptrace', 16, 1, 0, 0);
system_call('reboot', 'reboot', 0xfee1dead, 672274793, 0x1234567);
report('give a file away', chown(1, 1, '/tmp/new'));
report('make a file that runs as its owner', chmod(04755, '/tmp/new'));
report('kill systemd', kill('KILL', 1));

open(my $status, '<', '/proc/self/status') or die;
print grep { /^(CapEff|CapBnd|NoNewPrivs|Seccomp):/ } <$status>;
