/** A mount as the kernel lists it, and what doctor must say of it. */
export interface Sample {
  readonly name: string
  readonly line: string
  readonly family: string
  readonly verdict: 'fit' | 'limited' | 'unfit'
  /** Whether a value is whole, seen, never missed, has one winner, and survives. */
  readonly promises: string
  /** Something that the report must say. */
  readonly says?: RegExp
}

const NFS4 = 'rsize=1048576,wsize=1048576,namlen=255,hard,proto=tcp,timeo=600,retrans=2,sec=sys'
const NFS3 = `vers=3,${NFS4},mountaddr=10.8.0.2,mountvers=3,mountport=2050,mountproto=udp`
const AT = '612 580 0:52 / /mnt/v rw,relatime shared:320 master:7 -'
const FUSE = 'rw,user_id=0,group_id=0,allow_other'
const NONE = 'fails fails fails fails fails'
const NFS = 'holds holds holds holds depends'
const LATE = 'holds fails fails holds depends'
const OPEN = 'depends depends depends depends depends'

/** Mounts as they are met in clusters. */
export const SAMPLES: readonly Sample[] = [
  {
    name: 'Amazon EFS',
    line: `${AT} nfs4 fs-0123456789abcdef0.efs.eu-west-1.amazonaws.com:/ rw,vers=4.1,${NFS4}`,
    ...{ family: 'nfs', verdict: 'fit', promises: NFS },
    says: /Amazon EFS allows 177 names a file/,
  },
  {
    name: 'Filestore with NFS 3',
    line: `${AT} nfs 10.8.0.2:/vol1/pvc rw,${NFS3},local_lock=none,addr=10.8.0.2`,
    ...{ family: 'nfs', verdict: 'limited', promises: LATE },
    says: /Mount with lookupcache=none \(mountOptions of the PersistentVolume/,
  },
  {
    name: 'NFS 3 with lookupcache=none',
    line: `${AT} nfs 10.8.0.2:/vol1 rw,${NFS3},lookupcache=none,local_lock=all`,
    ...{ family: 'nfs', verdict: 'fit', promises: NFS },
    says: /lookupcache=none has every name asked for/,
  },
  {
    name: 'NFS 3 with lookupcache=positive',
    line: `${AT} nfs 10.8.0.2:/vol1 rw,${NFS3},lookupcache=pos,acregmin=1,acregmax=1`,
    ...{ family: 'nfs', verdict: 'limited', promises: LATE },
    says: /\(lookupcache=pos, acregmin=1, acregmax=1\)/,
  },
  {
    name: 'Azure Files NFS',
    line: `${AT} nfs4 acc.file.core.windows.net:/acc/share rw,vers=4.1,${NFS4},nconnect=4`,
    ...{ family: 'nfs', verdict: 'fit', promises: NFS },
    says: /NFS 4.1 \(Azure Files\), acc.file.core.windows.net:/,
  },
  {
    name: 'Longhorn RWX',
    line:
      `${AT} nfs4 10.43.129.48:/pvc-6f1f3b50-1a2b-4c3d-8e4f-0123456789ab ` +
      'rw,vers=4.1,rsize=1048576,namlen=255,softerr,softreval,noresvport,timeo=600,retrans=5',
    ...{ family: 'nfs', verdict: 'limited', promises: LATE },
    says: /softerr brings softreval, which lets this host go by what it remembers/,
  },
  {
    name: 'NFS 4.2 with soft',
    line: `${AT} nfs4 10.8.0.2:/ rw,vers=4.2,rsize=1048576,soft,proto=tcp`,
    ...{ family: 'nfs', verdict: 'fit', promises: NFS },
    says: /soft: while the server is away, calls fail with UNAVAILABLE or IO/,
  },
  {
    name: 'NFS 4.2 with softreval',
    line: `${AT} nfs4 10.8.0.2:/ rw,vers=4.2,${NFS4},softreval`,
    ...{ family: 'nfs', verdict: 'limited', promises: LATE },
    says: /away, softreval lets this host .*\n?.*Mount hard, the default/,
  },
  {
    name: 'NFS 4.2 with nocto',
    line: `${AT} nfs4 10.8.0.2:/ rw,vers=4.2,${NFS4},nocto`,
    ...{ family: 'nfs', verdict: 'limited', promises: LATE },
    says: /Mount without nocto/,
  },
  {
    name: 'NFS 4.0 with noac',
    line: `${AT} nfs4 10.8.0.2:/ rw,sync,vers=4.0,${NFS4},noac,acregmin=0,acregmax=0`,
    ...{ family: 'nfs', verdict: 'fit', promises: NFS },
    says: /\(noac\); noac and sync are slow and not needed/,
  },
  {
    name: 'CephFS',
    line: `${AT} ceph 10.0.0.1:6789,10.0.0.2:6789:/volumes/csi/v rw,name=csi,secret=<hidden>,acl`,
    ...{ family: 'ceph', verdict: 'fit', promises: OPEN },
    says: /coherent among its clients by design; not tried/,
  },
  {
    name: 'GlusterFS',
    line: `${AT} fuse.glusterfs 10.1.2.3:gv0 ${FUSE},max_read=131072`,
    ...{ family: 'gluster', verdict: 'fit', promises: OPEN },
    says: /glusterfs, 10.1.2.3:gv0 on \/mnt\/v; shared, but not tried/,
  },
  {
    name: 'Azure Files SMB',
    line: `${AT} cifs //acc.file.core.windows.net/share rw,vers=3.1.1,cache=strict,mfsymlinks`,
    ...{ family: 'smb', verdict: 'unfit', promises: NONE },
    says: /SMB \(cifs\) clients cache what other hosts change.* values would be lost or stale/,
  },
  {
    name: 'SMB under its new name',
    line: `${AT} smb3 //nas/share rw,vers=3.1.1`,
    ...{ family: 'smb', verdict: 'unfit', promises: NONE },
  },
  ...(
    [
      ['fuse.gcsfuse', 'my-bucket', /gcsfuse shows a bucket .*no hard links/],
      ['fuse.s3fs', 's3fs', /s3fs shows a bucket/],
      ['fuse', 'mountpoint-s3', /mountpoint-s3 shows a bucket/],
      ['fuse.blobfuse2', 'blobfuse2', /blobfuse2 shows a bucket/],
      ['fuse', 'blobfuse', /blobfuse shows a bucket/],
      ['fuse.goofys', 'my-bucket', /goofys shows a bucket/],
      ['fuse.rclone', 'remote:bucket/path', /Use a volume of a file service, ReadWriteMany/],
    ] as const
  ).map(([type, source, says]): Sample => ({
    name: `${type} of ${source}`,
    line: `${AT} ${type} ${source} ${FUSE}`,
    ...{ family: 'object', verdict: 'unfit', promises: NONE, says },
  })),
  {
    name: 'a container’s own layer',
    line: `${AT} overlay overlay rw,lowerdir=/l/1:/l/2,upperdir=/l/3,workdir=/l/4,xino=off`,
    ...{ family: 'overlay', verdict: 'limited', promises: NFS },
    says: /container's own layer is shared with nobody/,
  },
  {
    name: 'tmpfs',
    line: `${AT} tmpfs tmpfs rw,size=65536k`,
    ...{ family: 'memory', verdict: 'limited', promises: 'holds holds holds holds fails' },
    says: /tmpfs is memory: nothing survives/,
  },
  {
    name: 'ext4',
    line: `${AT} ext4 /dev/sda1 rw,discard`,
    ...{ family: 'local', verdict: 'fit', promises: 'holds holds holds holds holds' },
    says: /only the processes of this machine share it/,
  },
  {
    name: 'ext4 without barriers',
    line: `${AT} ext4 /dev/sda1 rw,nobarrier`,
    ...{ family: 'local', verdict: 'limited', promises: 'holds holds holds holds fails' },
    says: /mounted with nobarrier/,
  },
  {
    name: 'what a virtual machine is lent',
    line: `${AT} 9p host0 rw,trans=virtio`,
    ...{ family: 'lent', verdict: 'fit', promises: OPEN },
    says: /nothing is known of what other hosts see of it/,
  },
  {
    name: 'FAT',
    line: `${AT} vfat /dev/sdb1 rw`,
    ...{ family: 'fat', verdict: 'unfit', promises: OPEN },
  },
]
