package split

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"drydock/transforms/multistage/cmdline"
)

// What a program does that only root may, so that its image goes on running as root.

// privileged finds what only root may do: raw sockets and network devices, mounts and
// chroot, other users' files and rights, Docker's socket.
var privileged = map[string]func() *regexp.Regexp{
	".go": lazily(`"(?:github\.com/(?:vishvananda/netlink|google/gopacket[\w/]*|coreos/go-iptables/iptables|songgao/water|docker/docker/client|moby/moby/client|fsouza/go-dockerclient|containerd/containerd[\w/]*|cilium/ebpf[\w/]*|mdlayher/\w+|insomniacslk/dhcp[\w/]*|hugelgupf/p9[\w/]*)|golang\.org/x/net/icmp|golang\.zx2c4\.com/wireguard[\w/]*)"|\b(?:syscall|unix)\.(?:Chroot|Mount|Unmount|Setuid|Setgid|Setgroups|Setreuid|Setresuid|Unshare|Setns|Sethostname|Reboot|Mknod)\(|\bos\.L?[cC]hown\(|/var/run/docker\.sock`),
	".rs": lazily(`\b(?:bollard|rtnetlink|pnet|tun_tap|socket2::Type::RAW|nix::mount|nix::unistd::(?:chroot|setuid|setgid|chown))\b|/var/run/docker\.sock`),
	".py": lazily(`\b(?:import|from)\s+(?:docker|scapy|pyroute2|netfilterqueue)\b|\bos\.(?:chown|setuid|setgid|chroot)\(|SOCK_RAW|/var/run/docker\.sock`),
	".js": lazily(`["'](?:dockerode|raw-socket|net-ping|pcap)["']|\bprocess\.set(?:uid|gid)\(|/var/run/docker\.sock`),
	".ts": lazily(`["'](?:dockerode|raw-socket|net-ping|pcap)["']|\bprocess\.set(?:uid|gid)\(|/var/run/docker\.sock`),
}

// rootCalls names the first place of the source that does such a thing.
func (b *Split) rootCalls() (why string) {
	b.Sources(slices.Sorted(maps.Keys(privileged)), func(f, src string) string {
		if m := privileged[path.Ext(f)]().FindStringIndex(src); m != nil {
			why = f + ":" + cmdline.LineAt(src, m[0]) + " uses " + strings.Trim(src[m[0]:m[1]], "\"'( ") + ", which only root may"
		}
		return why
	})
	return why
}
