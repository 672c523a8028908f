# In a namespace of a user and a network of its own: an agent's host, and outside of it the gateway and a provider.
# Prints what `regate doctor --bypass` says before the rules and behind them, a line of JSON each.
set -eu
python=$1 rules=$2
mkdir -p /run/netns && mount -t tmpfs none /run/netns
ip netns add outside
ip link set lo up
ip link add agent0 type veth peer name out0 netns outside
ip addr add 10.77.0.1/24 dev agent0
ip -6 addr add fd77::1/64 dev agent0 nodad
ip link set agent0 up
ip -n outside link set lo up
ip -n outside addr add 10.77.0.2/24 dev out0
ip -n outside addr add 203.0.113.9/32 dev lo
ip -n outside -6 addr add fd77::2/64 dev out0 nodad
ip -n outside -6 addr add 2001:db8::9/128 dev lo nodad
ip -n outside link set out0 up
ip route add default via 10.77.0.2
ip -6 route add default via fd77::2
exec 3< <(exec ip netns exec outside "$python" -m tests.support.outside)
read -r _ <&3 # until all of it listens
ask() {
	"$python" -m cli.main doctor --bypass --json --gateway http://10.77.0.2:8700 \
		--host 203.0.113.9:443 --host '[2001:db8::9]:443' --host 203.0.113.9:8443 || true
}
ask
nft -f "$rules"
nft -f "$rules"
ask
