# NFS in a guest: one server, and hosts that are its clients, each with a network namespace and
# an NFS identity of its own. All mounts are visible to every process of the guest, so what runs
# "on host a" is what works below a's mount point.
#
#   nfs_server DIRECTORY           exports a mounted directory (to NFS 4 clients it is /)
#   nfs_down, nfs_up               stops and starts the server
#   nfs_unexport, nfs_export       takes the export away from under its clients, and gives it back
#   host_add NAME NUMBER           makes a host, 10.9.NUMBER.2; the server is 10.9.NUMBER.1 to it
#   host_mount NAME DIRECTORY OPTIONS   mounts the export, such as with vers=4.2,hard
#   host_run NAME COMMAND ...      runs a command in the host's network
#   host_cut NAME, host_heal NAME  pulls the network cable of a host, and puts it back

# Called once, by nfs_server.
nfs_prepare() {
  mount -t tmpfs tmpfs /var/lib/nfs
  mkdir -p /var/lib/nfs/{v4recovery,v4root,sm,sm.bak,rpc_pipefs} /run/rpcbind /run/netns /run/host
  touch /var/lib/nfs/{etab,rmtab,xtab,state}
  # NFS 4, too, gives no locks, and no delegations, before the grace of NFS 3 is over: most of a
  # minute, unless $nlm_grace_s says otherwise.
  if [ -n "${nlm_grace_s:-}" ]; then modprobe lockd nlm_grace_period="$nlm_grace_s"; fi
  local module
  for module in nfsd nfs nfsv4 nfsv3; do modprobe $module; done
  mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs
  mount -t nfsd nfsd /proc/fs/nfsd
  # The shortest there are: for so long a restarted server waits for the clients it had.
  echo 10 >/proc/fs/nfsd/nfsv4leasetime
  echo 10 >/proc/fs/nfsd/nfsv4gracetime
  rpcbind -w
}

nfs_export() {
  exportfs -i -o rw,no_root_squash,insecure,fsid=0,no_subtree_check,sync "*:$nfs_exported"
}
nfs_unexport() { exportfs -u "*:$nfs_exported" && exportfs -f; }
nfs_up() { rpc.nfsd 4; }
nfs_down() { rpc.nfsd 0; }

nfs_server() {
  nfs_exported=$1
  nfs_prepare
  nfs_export
  rpc.mountd
  nfs_up
  # There are no clients yet that the server would have to wait for.
  echo Y >/proc/fs/nfsd/v4_end_grace
}

host_add() {
  echo "$2" >"/run/host/$1"
  ip netns add "$1"
  ip link add "v$1" type veth peer name eth0 netns "$1"
  ip addr add "10.9.$2.1/24" dev "v$1"
  ip link set "v$1" up
  ip -n "$1" addr add "10.9.$2.2/24" dev eth0
  ip -n "$1" link set eth0 up
  ip -n "$1" link set lo up
}

host_run() {
  local host=$1
  shift
  nsenter --net="/run/netns/$host" unshare --uts --propagation unchanged \
    bash -c 'hostname "host-$0" && exec "$@"' "$host" "$@"
}

host_mount() {
  local server
  server="10.9.$(cat "/run/host/$1").1"
  local source=/
  case $3 in *vers=3*) source=$nfs_exported ;; esac
  mkdir -p "$2"
  host_run "$1" bash -c "
    echo host-$1 >/sys/fs/nfs/net/nfs_client/identifier 2>/dev/null
    mount -t nfs -o $3 $server:$source $2"
}

host_cut() { ip link set "v$1" down; }
host_heal() { ip link set "v$1" up; }
