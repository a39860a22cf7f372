export type Visibility = 'private' | 'public';
export type Metadata = Record<string, string>;
/** A thumbnail of one preset, in the formats that a <picture> needs. */
export interface Thumbnail {
    /** Pixels, upright. */
    width?: number;
    height?: number;
    webp?: string;
    jpeg?: string;
    /** In place of jpeg where the image is not opaque. */
    png?: string;
}
/** Delivery links, for <img src>: the original, and each preset of the server's settings; these three unless it is set otherwise. */
export interface Links {
    original?: string;
    small?: Thumbnail;
    medium?: Thumbnail;
    large?: Thumbnail;
    [preset: string]: string | Thumbnail | undefined;
}
interface Recorded {
    imageId: string;
    /** 1 for a new slot, one more with each change of the record. */
    version: number;
    /** For administrators. */
    owner?: string;
    issuer?: string;
    subject?: string;
    fileName: string;
    /** The address of the object, 403 without a signature. */
    fileUrl?: string;
    visibility: Visibility;
    metadata?: Metadata;
}
/** A slot whose bytes have not arrived. */
export interface PendingImage extends Recorded {
    status: 'pending';
    /** As declared. */
    fileSize?: number;
    fileType: string;
    /** When the upload URL expires. */
    expiresAt: string;
}
/** An image that failed verification. */
export interface RejectedImage extends Recorded {
    status: 'rejected';
    fileSize?: number;
    fileType?: string;
    /** A sentence for people. */
    reason: string;
    verdict?: 'corrupt';
    damage?: string;
}
/** An image that is there, as a list has it. */
export interface ListedImage extends Recorded {
    status: 'uploaded';
    links?: Links;
    /** A signed URL. */
    downloadUrl?: string;
    /** Bytes, as stored. */
    fileSize: number;
    fileType: string;
    uploadedAt: string;
    /** Pixels as stored, before orientation is applied. */
    width?: number;
    height?: number;
    /** EXIF's 1 to 8. */
    orientation?: number;
    frames?: number;
    /** MD5 of the stored bytes, in hex. */
    etag: string;
    /** What can identify a person was looked for in the bytes and removed. */
    stripped: boolean;
    /** Bytes that were received. */
    receivedSize?: number;
    removed?: string[];
    keptMetadata?: {
        takenAt?: string;
        camera?: string;
        position?: {
            latitude: number;
            longitude: number;
        };
    };
    /** Whether its pixels were decoded. */
    verified?: boolean;
    verdict?: 'ok' | 'recoverable' | 'corrupt';
    damage?: string;
    /** A ThumbHash in base64. */
    placeholder?: string;
    /** The dominant color, #rrggbb. */
    color?: string;
}
/** An image that is there. */
export interface UploadedImage extends ListedImage {
    /** When downloadUrl expires. */
    expiresAt?: string;
    /** Of an anonymous upload in one request. */
    deleteToken?: string;
}
export type Image = PendingImage | UploadedImage | RejectedImage;
export type ListedRecord = PendingImage | ListedImage | RejectedImage;
export interface SlotRequest {
    fileName: string;
    fileType: string;
    /** Bytes; the URL then accepts exactly that many. */
    fileSize?: number;
    method?: 'PUT' | 'POST';
    visibility?: Visibility;
    metadata?: Metadata;
    /** A user of the application, whose image this will be. */
    onBehalfOf?: string;
    /** At most so many bytes. */
    maxSize?: number;
    allowedTypes?: string[];
    /** Seconds until the URL expires. */
    expiresIn?: number;
}
export interface PutSlot {
    imageId: string;
    uploadUrl: string;
    fileUrl: string;
    method: 'PUT';
    headers: Record<string, string>;
    expiresAt: string;
    /** Lets its holder delete the image; only of anonymous callers. */
    deleteToken?: string;
}
export interface FormSlot extends Omit<PutSlot, 'method' | 'headers'> {
    method: 'POST';
    fields: Record<string, string>;
}
export type Slot = PutSlot | FormSlot;
export interface ListQuery {
    /** Images per request, 1 to 1000. */
    limit?: number;
    order?: 'newest' | 'oldest';
    owner?: string;
    status?: 'uploaded' | 'pending' | 'rejected' | 'all';
    sha256?: string;
    name?: string;
    type?: string;
    from?: Date | string;
    to?: Date | string;
    skip?: number;
    /** false leaves fileUrl and downloadUrl out, for those who use links. */
    urls?: boolean;
}
/** What a list has: images that are there, unless `status` asks for others. */
export type Listed<Q> = Q extends {
    status: 'pending' | 'rejected' | 'all';
} ? ListedRecord : ListedImage;
export interface Page<T> {
    images: T[];
    count: number;
    /** Of the whole list, where counting does not take too long. */
    total?: number;
    nextCursor?: string;
}
export interface Changes {
    visibility?: Visibility;
    fileName?: string;
    /** In place of what was there; null removes it. */
    metadata?: Metadata | null;
}
export interface Link {
    url: string;
    variant: string;
    expiresAt: string;
}
export interface Deleted {
    imageId: string;
    deleted: boolean;
    /** Of the error, where it was not deleted. */
    code?: string;
}
export interface Quota {
    images?: number;
    bytes?: number;
    pending?: number;
    slotsPerMinute?: number;
}
export interface Caller {
    kind: 'user' | 'key';
    admin: boolean;
    scopes: string[];
    name?: string;
    owner?: string;
    issuer?: string;
    subject?: string;
    usage?: {
        images: number;
        bytes: number;
        pending: number;
        reservedBytes: number;
        derivedBytes: number;
    };
    quota?: Quota;
}
export interface Limits {
    allowedTypes: string[];
    maxFileSize: number;
    maxPixels: number;
    maxFileNameBytes: number;
    maxMetadataMembers: number;
    maxMetadataBytes: number;
    urlLifetimeSeconds: number;
    requireSize: boolean;
    /** false if callers without a key or a token can only delete an image with its delete token and not change any; otherwise omitted. */
    anonymousChanges?: boolean;
    anonymousSlotsPerMinute?: number;
    requestsPerSecond?: number;
    /** `uploadDirect` writes to the storage itself, so that an image takes only one request; otherwise omitted. */
    directUpload?: true;
    quota?: Quota;
    signIn?: Record<string, string>;
}
/** What a webhook tells. */
export interface ImageEvent {
    type: 'image.uploaded' | 'image.rejected' | 'image.deleted' | 'image.expired';
    timestamp: string;
    /** The record, without what is secret or expires. */
    data: Omit<Partial<ListedImage>, keyof Recorded | 'status'> & Recorded & {
        status: Image['status'];
        expiresAt?: string;
        reason?: string;
    };
}
export {};
